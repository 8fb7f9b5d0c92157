/** Notifications: what was launched anywhere comes up or fails, what ends soon, what is down. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ending } from '../components/lifetime';
import { owns } from '../components/permissions';
import type { Backend } from '../model';
import { CommandIDs, DOMAIN, IAlongside, IPreferences } from '../tokens';
import { formatDuration, type Trans } from '../words';
import { Alarms } from './alarms';
import { telling } from './complaints';
import { type Item, isNear, keyOfRun, newsOf, newsOfRun, wanted, warnIn } from './news';
import { followSession } from './sessionEnd';

/** Milliseconds for which the service may be silent before it is told. */
const DOWN = 10_000;
/** Key of what is told about the service. */
const SERVICE = 'service';

export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:notifications',
  description: 'Tells what comes up, what fails, and what ends soon.',
  autoStart: true,
  requires: [IAlongside, IPreferences],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    preferences: IPreferences,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { store } = alongside;
    const board = new Board(app, alongside, trans, preferences);
    const alarms = new Alarms();

    store.backend.connect((_, { before, after }) => {
      const backend = after ?? before;
      if (backend && owns(backend, store.user)) {
        board.put(
          backend.id,
          newsOf(before, after, board.has(backend.id), store.kind(backend), trans)
        );
        watchEnd(backend.id);
      }
    });

    store.run.connect((_, { before, after }) => {
      const run = after ?? before;
      if (run && run.owner === store.user) {
        board.put(keyOfRun(run), newsOfRun(before, after, trans));
      }
    });

    /** Warn before it ends, whatever changes until then. */
    function watchEnd(id: string): void {
      const key = `end ${id}`;
      const backend = store.backends.get(id);
      const due = backend && warnIn(ending(backend), Date.now());
      alarms.set(key, due, backend?.expires ?? '', () => {
        const now = store.backends.get(id);
        if (now && isNear(warnIn(ending(now), Date.now()))) {
          board.put(key, endsSoon(key, now, trans));
        }
      });
      if (!isNear(due)) {
        board.put(key, null);
      }
    }

    followSession(store, alarms, (key, item) => board.put(key, item), trans);

    let down = 0;
    store.changed.connect(() => {
      if (!store.problem) {
        clearTimeout(down);
        down = 0;
        board.put(SERVICE, null);
      } else if (down === 0) {
        down = window.setTimeout(() => {
          if (store.problem) {
            board.put(SERVICE, {
              key: SERVICE,
              type: 'warning',
              message: [store.problem.detail, store.problem.remedy].filter(Boolean).join(' '),
              actions: [],
              autoClose: false
            });
          }
        }, DOWN);
      }
    });
  }
};

function endsSoon(key: string, backend: Backend, trans: Trans): Item {
  const left = formatDuration((Date.parse(backend.expires ?? '') - Date.now()) / 1000);
  return {
    key,
    type: 'warning',
    message: backend.idle_since
      ? trans.__('“%1” ends in %2: nothing works on it.', backend.name, left)
      : trans.__('“%1” ends in %2: its time is up then.', backend.name, left),
    actions: ['extend'],
    autoClose: false
  };
}

/** What is shown at the moment, by what it is about. */
class Board {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly alongside: IAlongside,
    private readonly trans: Trans,
    private readonly preferences: IPreferences
  ) {}

  has(key: string): boolean {
    return this._shown.has(key);
  }

  /** Show it; null takes away what is shown, undefined leaves it. */
  put(key: string, item: Item | null | undefined): void {
    if (item === undefined) {
      return;
    }
    const old = this._shown.get(key);
    if (item === null || !wanted(item, this.preferences.current.notifications)) {
      if (old) {
        Notification.dismiss(old.id);
        this._shown.delete(key);
      }
      return;
    }
    if (old && old.message === item.message) {
      return;
    }
    const { message, type, autoClose } = item;
    const actions = item.actions.map(action => this._action(key, action));
    // one that the user has closed comes back only when it turns into something else
    const there = old !== undefined && Notification.manager.has(old.id);
    if (there) {
      Notification.update({ id: old.id, message, type, autoClose, actions });
      this._shown.set(key, { ...old, message, type });
    } else if (old?.type !== type) {
      const id = Notification.emit(message, type, { autoClose, actions });
      this._shown.set(key, { id, message, type });
    }
    if (type !== 'in-progress' && !key.includes(' ') && key !== SERVICE) {
      this._shown.delete(key); // its story is told
    }
  }

  private _action(key: string, action: Item['actions'][number]): Notification.IAction {
    const { trans } = this;
    const id = key.split(' ').at(-1) ?? '';
    const run = (command: string) => () => {
      this.app.commands.execute(command, { id }).catch(error => console.warn(error));
    };
    switch (action) {
      case 'retry':
        return {
          label: trans.__('Launch again'),
          callback: run(CommandIDs.retry),
          displayType: 'accent'
        };
      case 'open':
        return { label: trans.__('Open'), callback: run(CommandIDs.openRun) };
      case 'resume':
        return {
          label: trans.__('Resume'),
          callback: run(CommandIDs.resumeRun),
          displayType: 'accent'
        };
      case 'logs':
        return { label: trans.__('Logs'), callback: run(CommandIDs.logs) };
      case 'stay':
        return {
          label: trans.__('I am still here'),
          callback: () => void telling(trans, () => this.alongside.service.use()),
          displayType: 'accent'
        };
      case 'extend':
        return {
          label: trans.__('Keep longer'),
          callback: run(CommandIDs.extend),
          displayType: 'accent'
        };
    }
  }

  private readonly _shown = new Map<string, { id: string; message: string; type: Item['type'] }>();
}
