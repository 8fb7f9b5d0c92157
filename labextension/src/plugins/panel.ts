/** The panel in the left sidebar, and the ways to it. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { AlongsidePanel } from '../panel/panel';
import type { PendingStops } from '../panel/stops';
import { CommandIDs, IAlongside, IAttachments, IPendingStops, IPreferences } from '../tokens';
import { commandActions } from './actions';
import { DOMAIN } from './commands';
import { alongsideIcon } from './icons';

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:panel',
  description: 'Shows the backends in a side area.',
  autoStart: true,
  requires: [IAlongside, IPreferences, IPendingStops],
  optional: [IAttachments, ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    preferences: IPreferences,
    stops: PendingStops,
    attachments: IAttachments | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const actions = {
      ...commandActions(app.commands),
      ...(attachments && { drag: attachments.drag })
    };
    const widget = new AlongsidePanel(alongside, actions, trans, {
      launch: () => {
        void app.commands.execute(CommandIDs.launch);
      },
      stops,
      attachments,
      preferences
    });
    widget.title.icon = alongsideIcon;
    widget.title.caption = trans.__('Alongside: clusters of this session');
    app.shell.add(widget, 'left', { rank: 350, type: 'Alongside' });
    restorer?.add(widget, widget.id);

    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Show clusters'),
      caption: trans.__('Show the panel with the clusters alongside this session'),
      icon: alongsideIcon,
      describedBy: { args: { type: 'object', properties: { id: { type: 'string' } } } },
      execute: ({ id }) => {
        app.shell.activateById(widget.id);
        if (typeof id === 'string') {
          requestAnimationFrame(() => widget.reveal(id));
        }
      }
    });
    palette?.addItem({ command: CommandIDs.open, category: trans.__('Alongside') });
  }
};
