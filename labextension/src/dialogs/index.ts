/** The dialogs. What they are made of is loaded when one is opened first. */
import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { Wish } from './choice';

/** Ask what to launch, and launch it; null when it was cancelled. */
export async function launchDialog(
  alongside: IAlongside,
  trans: Trans,
  wish: Wish = {}
): Promise<Backend | null> {
  const { openLaunch } = await import('./Launch');
  return await openLaunch(alongside, trans, wish);
}
