/** The backends among what runs, in the panel of kernels and terminals. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { whyNot } from '../components/permissions';
import { stateText } from '../components/state';
import { type Backend, ended } from '../model';
import { CommandIDs, DOMAIN, IAlongside } from '../tokens';
import { formatMembers } from '../words';
import { alongsideIcon } from './icons';

export const running: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:running',
  description: 'Lists backends among what runs.',
  autoStart: true,
  requires: [IAlongside],
  optional: [IRunningSessionManagers, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null
  ): void => {
    if (!managers) {
      return; // a notebook on a page of its own
    }
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { store } = alongside;
    const changed = new Signal<object, void>({});
    let last = '';
    store.changed.connect(() => {
      const now = JSON.stringify(
        live().map(({ id, name, phase, ready }) => [id, name, phase, ready])
      );
      if (now !== last) {
        last = now;
        changed.emit();
      }
    });
    const live = () =>
      [...store.backends.values()]
        .filter(backend => !ended(backend))
        .sort((a, b) => a.name.localeCompare(b.name));
    const execute = (command: string, { id }: Backend) => {
      app.commands.execute(command, { id }).catch(error => console.warn(error));
    };
    const mayStop = (backend: Backend) =>
      !whyNot('stop', backend, { user: store.user, trans, admin: false });
    managers.add({
      name: trans.__('Clusters'),
      shutdownLabel: trans.__('Stop'),
      shutdownAllLabel: trans.__('Stop all'),
      shutdownAllConfirmationText: trans.__(
        'Stop all your clusters? Work that runs on them, and data that is only there, is lost.'
      ),
      running: () =>
        live().map(backend => ({
          icon: () => alongsideIcon,
          label: () => backend.name,
          labelTitle: () =>
            [
              backend.name,
              store.kind(backend).title,
              stateText(backend, false, Date.now(), trans)
            ].join(', '),
          detail: () => formatMembers(backend, store.kind(backend), trans),
          open: () => execute(CommandIDs.open, backend),
          ...(mayStop(backend) && { shutdown: () => execute(CommandIDs.stop, backend) })
        })),
      shutdownAll: () => {
        for (const backend of live().filter(mayStop)) {
          execute(CommandIDs.stop, backend);
        }
      },
      refreshRunning: () => undefined,
      runningChanged: changed
    });
  }
};
