/** What went wrong, as one notification: a sentence, and what to do about it. */
import { Notification } from '@jupyterlab/apputils';

import { Refusal } from '../requests';
import type { Trans } from '../words';

/** Something that a user asked for can't be done here; not the service's word. */
export class Obstacle extends Error {
  constructor(
    detail: string,
    readonly remedy: string
  ) {
    super(detail);
    this.name = 'Obstacle';
  }
}

/** The sentence and the remedy of any error. */
export function complaint(error: unknown, trans: Trans): string {
  if (error instanceof Refusal || error instanceof Obstacle) {
    return [error.message, error.remedy].filter(Boolean).join(' ');
  }
  return trans.__('Something unexpected happened. Reload the page and try again.');
}

const shown = new Map<string, string>();

/** Do it; if that fails say why, once: the same sentence is not put beside itself. */
export async function telling<T>(trans: Trans, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Obstacle)) {
      console.error(error);
    }
    const message = complaint(error, trans);
    Notification.dismiss(shown.get(message) ?? '-');
    shown.clear();
    shown.set(message, Notification.error(message, { autoClose: 10_000 }));
    return undefined;
  }
}
