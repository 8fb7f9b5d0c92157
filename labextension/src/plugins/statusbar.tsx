/** The foremost backend in the status bar; a click shows the panel. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';

import { ended } from '../model';
import { final } from '../runs/state';
import { CommandIDs, DOMAIN, IAlongside, IAttachments, IPreferences } from '../tokens';
import { alongsideIcon } from './icons';
import { foremost, runsText, statusText } from './summary';

export const statusbar: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:statusbar',
  description: 'Shows a backend in the status bar.',
  autoStart: true,
  requires: [IAlongside, IPreferences],
  optional: [IStatusBar, IAttachments, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { store }: IAlongside,
    preferences: IPreferences,
    bar: IStatusBar | null,
    attachments: IAttachments | null,
    translator: ITranslator | null
  ): void => {
    if (!bar) {
      return; // a notebook on a page of its own
    }
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const changed = new Signal<object, void>({});
    const emit = () => changed.emit();
    store.changed.connect(emit);
    attachments?.changed.connect(emit);
    preferences.changed.connect(emit);

    const text = () => {
      const own = [...store.backends.values()].filter(({ owner }) => owner === store.user);
      const live = own.filter(backend => !ended(backend));
      const first = foremost(live, attachments?.current ?? null, store.session, store.user);
      const others = live.filter(({ id }) => id !== first?.id).length;
      const kind = first && store.kind(first);
      const busy = runsText(working().length, live.length, trans);
      if (busy && !store.problem) {
        return busy;
      }
      return store.loaded || store.problem
        ? statusText(first, kind, others, store.problem, trans)
        : '';
    };
    const working = () =>
      [...(store.runs?.values() ?? [])].filter(run => run.owner === store.user && !final(run));
    const open = () => {
      const section = working().length > 0 ? 'runs' : 'backends';
      void app.commands.execute(CommandIDs.open, { section });
    };
    const item = ReactWidget.create(
      <UseSignal signal={changed}>
        {() => (
          <button
            type="button"
            className="alongside-Status"
            title={store.problem?.detail ?? trans.__('Show the clusters alongside this session')}
            onClick={open}
          >
            <alongsideIcon.react tag="span" className="alongside-Status-icon" />
            {text()}
          </button>
        )}
      </UseSignal>
    );
    bar.registerStatusItem('jupyterhub-alongside:status', {
      item,
      align: 'left',
      rank: 10,
      isActive: () => preferences.current.statusBar && text() !== '',
      activeStateChanged: changed
    });
  }
};
