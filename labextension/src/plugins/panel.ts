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
import type { Relaunches } from '../relaunch/relaunches';
import {
  CommandIDs,
  DOMAIN,
  IAlongside,
  IAttachments,
  IPendingStops,
  IPreferences,
  IRelaunches
} from '../tokens';
import { commandActions, relaunchActions, runActions } from './actions';
import { alongsideIcon } from './icons';
import { scheduleActions } from './schedules';

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:panel',
  description: 'Shows the backends in a side area.',
  autoStart: true,
  requires: [IAlongside, IPreferences, IPendingStops],
  optional: [IAttachments, IRelaunches, ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    preferences: IPreferences,
    stops: PendingStops,
    attachments: IAttachments | null,
    relaunches: Relaunches | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const actions = {
      ...commandActions(app.commands),
      ...relaunchActions(relaunches),
      ...(attachments && { drag: attachments.drag })
    };
    const widget = new AlongsidePanel(alongside, actions, trans, {
      launch: () => {
        void app.commands.execute(CommandIDs.launch);
      },
      stops,
      attachments,
      relaunches,
      preferences,
      run: () => {
        void app.commands.execute(CommandIDs.run);
      },
      runs: runActions(app.commands),
      schedules: scheduleActions(alongside, trans, id => {
        void app.commands.execute(CommandIDs.openRun, { id });
      })
    });
    widget.title.icon = alongsideIcon;
    widget.title.caption = trans.__('Alongside: clusters of this session');
    app.shell.add(widget, 'left', { rank: 350, type: 'Alongside' });
    restorer?.add(widget, widget.id);

    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Show clusters'),
      caption: trans.__('Show the panel with the clusters alongside this session'),
      icon: alongsideIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string' }, section: { enum: ['backends', 'runs', 'team'] } }
        }
      },
      execute: ({ id, section }) => {
        app.shell.activateById(widget.id);
        if (section === 'backends' || section === 'runs' || section === 'team') {
          widget.choose(section);
        }
        if (typeof id === 'string') {
          requestAnimationFrame(() => widget.reveal(id));
        }
      }
    });
    palette?.addItem({ command: CommandIDs.open, category: trans.__('Alongside') });
  }
};
