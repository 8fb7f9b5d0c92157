/** Commands about one backend: which one, whether it can be, and what if it fails. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { type ICommandPalette, InputDialog } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { type Act, whyNot } from '../components/permissions';
import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { Obstacle, telling } from './complaints';

/** What a command does, and when. */
export interface About {
  label: string;
  caption: string;
  icon?: LabIcon;
  act: Act;
  run(backend: Backend, args: ReadonlyPartialJSONObject): unknown;
  /** Whether it can be asked for while the service doesn't answer. */
  offline?: boolean;
  /** Whether the palette has it. */
  palette?: boolean;
  /** The backend that is meant when none is named; else it is asked for. */
  preferred?(): Backend | null;
}

/** Adds such commands. */
export class Abouts {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly alongside: IAlongside,
    private readonly trans: Trans,
    private readonly palette: ICommandPalette | null
  ) {}

  add(id: string, about: About): void {
    const { trans } = this;
    this.app.commands.addCommand(id, {
      label: args =>
        args.id || args.isPalette !== true ? about.label : trans.__('%1…', about.label),
      caption: args => this.why(about, args) || about.caption,
      ...(about.icon && { icon: about.icon }),
      isEnabled: args => !this.why(about, args),
      describedBy: {
        args: { type: 'object', properties: { id: { type: 'string' } } }
      },
      execute: args =>
        telling(trans, async () => {
          const backend = await this.which(about, args);
          if (backend) {
            return await about.run(backend, args);
          }
          return undefined;
        })
    });
    if (about.palette !== false) {
      const category = trans.__('Alongside');
      this.palette?.addItem({ command: id, category, args: { isPalette: true } });
    }
    const changed = () => this.app.commands.notifyCommandChanged(id);
    this.alongside.store.changed.connect(changed);
  }

  /** Why this can't be done with one backend; '' if it can. */
  private whyNot(about: About, backend: Backend): string {
    const { store } = this.alongside;
    return whyNot(about.act, backend, {
      user: store.user,
      groups: store.me?.groups ?? [],
      admin: store.me?.admin ?? false,
      blocked: about.offline ? '' : (store.problem?.detail ?? ''),
      trans: this.trans
    });
  }

  /** Why this can't be asked for now; '' if it can. */
  private why(about: About, args: ReadonlyPartialJSONObject): string {
    const { store } = this.alongside;
    if (typeof args.id === 'string') {
      const backend = store.backends.get(args.id);
      return backend
        ? this.whyNot(about, backend)
        : this.trans.__('This backend is no longer there.');
    }
    if (store.problem && !about.offline) {
      return store.problem.detail;
    }
    return this.fitting(about).length > 0
      ? ''
      : this.trans.__('There is no backend that this could be done with.');
  }

  private fitting(about: About): Backend[] {
    const found = [...this.alongside.store.backends.values()];
    return found
      .filter(backend => !this.whyNot(about, backend))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  private async which(about: About, args: ReadonlyPartialJSONObject): Promise<Backend | null> {
    const { trans } = this;
    const why = this.why(about, args);
    if (why) {
      throw new Obstacle(why, '');
    }
    if (typeof args.id === 'string') {
      return this.alongside.store.backends.get(args.id) ?? null;
    }
    const fitting = this.fitting(about);
    const preferred = about.preferred?.();
    if (preferred && fitting.some(({ id }) => id === preferred.id)) {
      return preferred;
    }
    if (fitting.length === 1) {
      return fitting[0] ?? null;
    }
    const asked = await InputDialog.getItem({
      title: about.label,
      label: trans.__('Backend'),
      okLabel: about.label,
      items: titles(fitting)
    });
    const index = asked.value === null ? -1 : titles(fitting).indexOf(asked.value);
    return asked.button.accept ? (fitting[index] ?? null) : null;
  }
}

/** A different title for each: with the owner and the id where names are the same. */
export function titles(backends: readonly Backend[]): string[] {
  return backends.map(({ name, id, owner }) => {
    const same = backends.filter(other => other.name === name);
    return same.length > 1 ? `${name} (${owner}, ${id})` : name;
  });
}
