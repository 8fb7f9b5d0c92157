/** Pages of dashboards as tabs: several at once, there again after a reload. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, DOMAIN, IAlongside, IAttachments } from '../tokens';
import { Abouts } from './about';
import { again } from './commands';
import { Dashboard } from './dashboard';
import { alongsideIcon } from './icons';
import { pageTitle, type Remembered, safePage } from './pages';

/** Opens a tab whatever became of the backend, for restoring the layout. */
const RESTORE = 'alongside:restore-dashboard';

export const dashboards: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:dashboards',
  description: 'Shows the dashboards of backends.',
  autoStart: true,
  requires: [IAlongside],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IAttachments],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    attachments: IAttachments | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<Dashboard>>({
      namespace: 'alongside-dashboard'
    });
    const pageOf = new WeakMap<Dashboard, string>();

    function open(remembered: Remembered, page: string): void {
      const id = `alongside-dashboard:${remembered.id}:${page}`;
      const there = tracker.find(widget => widget.id === id);
      if (there) {
        app.shell.activateById(there.id);
        return;
      }
      const title = `${remembered.name}: ${pageTitle(page, trans)}`;
      const content = new Dashboard({
        alongside,
        trans,
        remembered,
        page,
        title,
        again: backend => {
          void app.commands.execute(CommandIDs.launch, again(backend));
        },
        close: () => widget.close()
      });
      pageOf.set(content, page);
      const widget = new MainAreaWidget({ content });
      widget.toolbar.hide();
      widget.id = id;
      widget.title.label = title;
      widget.title.caption = trans.__('Dashboard of “%1”', remembered.name);
      widget.title.icon = alongsideIcon;
      widget.title.closable = true;
      void tracker.add(widget);
      app.shell.add(widget, 'main', { type: 'Dashboard' });
      app.shell.activateById(widget.id);
    }

    app.commands.addCommand(RESTORE, {
      execute: ({ id, name, owner, page }) => {
        if (typeof id === 'string' && typeof name === 'string' && typeof owner === 'string') {
          open({ id, name, owner }, safePage(page));
        }
      },
      isVisible: () => false
    });
    void restorer?.restore(tracker, {
      command: RESTORE,
      args: ({ content }) => ({ ...content.remembered, page: pageOf.get(content) ?? 'status' }),
      name: widget => widget.id
    });

    new Abouts(app, alongside, trans, palette).add(CommandIDs.dashboard, {
      label: trans.__('Dashboard'),
      caption: trans.__('Open a page of its dashboard as a tab'),
      act: 'dashboard',
      preferred: () => attachments?.current ?? null,
      run: ({ id, name, owner }, { page }) => open({ id, name, owner }, safePage(page))
    });
  }
};
