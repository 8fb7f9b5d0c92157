/** "Run as workflow step": from a notebook's toolbar, the file browser, the palette, the panel. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { fastForwardIcon } from '@jupyterlab/ui-components';

import { runDialog } from '../dialogs';
import { type Computing, ofSession } from '../runs/plan';
import { CommandIDs, DOMAIN, IAlongside, IAttachments } from '../tokens';
import type { Trans } from '../words';
import { Obstacle, telling } from './complaints';

export const runNotebook: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:run-notebook',
  description: 'Runs notebooks as steps of workflows.',
  autoStart: true,
  requires: [IAlongside],
  optional: [
    INotebookTracker,
    IFileBrowserFactory,
    IDocumentManager,
    ITranslator,
    ICommandPalette,
    IAttachments
  ],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    notebooks: INotebookTracker | null,
    browsers: IFileBrowserFactory | null,
    documents: IDocumentManager | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    attachments: IAttachments | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { store } = alongside;
    const { contents } = app.serviceManager;
    const blocked = () => store.problem?.detail ?? '';

    app.commands.addCommand(CommandIDs.run, {
      label: args =>
        args.from === 'notebook' ? trans.__('Run as step') : trans.__('Run as workflow step…'),
      caption: () =>
        blocked() || trans.__('Execute the notebook apart from this session, with other values'),
      icon: fastForwardIcon,
      isEnabled: () => !blocked() && store.runs !== null,
      isVisible: () => store.runs !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: { path: { type: 'string' }, from: { enum: ['notebook', 'browser'] } }
        }
      },
      execute: args =>
        telling(trans, async () => {
          const path = typeof args.path === 'string' ? args.path : await chosen(args.from);
          if (!path) {
            return;
          }
          const note = await saved(notebooks, path, trans);
          const notebook = { path: contents.localPath(path) };
          const wish = { computing: computing(path) };
          const run = await runDialog(alongside, trans, { notebook, wish, note });
          if (run) {
            await app.commands.execute(CommandIDs.open, { section: 'runs', id: run.id });
          }
        })
    });
    palette?.addItem({ command: CommandIDs.run, category: trans.__('Alongside') });
    let known = '';
    store.changed.connect(() => {
      const now = JSON.stringify([store.runs !== null, blocked()]);
      if (now !== known) {
        known = now;
        app.commands.notifyCommandChanged(CommandIDs.run);
      }
    });

    /** On what its kernel computes: a step can do so, too, if that is the session's backend. */
    function computing(path: string): Computing {
      const panel = notebooks?.find(({ context }) => context.path === path);
      const backend = attachments?.of(panel?.sessionContext.session?.kernel?.id);
      return backend && backend.id === ofSession(store)?.id ? 'session' : 'none';
    }

    /** The path of the notebook that is meant; null when none is chosen. */
    async function chosen(from: unknown): Promise<string | null> {
      if (from === 'browser') {
        const items = [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])];
        return items.find(({ type }) => type === 'notebook')?.path ?? null;
      }
      const current = notebooks?.currentWidget?.context.path;
      return current ?? (await asked());
    }

    async function asked(): Promise<string | null> {
      if (!documents) {
        throw new Obstacle(trans.__('No notebook is open.'), trans.__('Open one first.'));
      }
      const { button, value } = await FileDialog.getOpenFiles({
        manager: documents,
        title: trans.__('Which notebook?'),
        label: trans.__('Click the one that is to be run.'),
        filter: ({ type }) => (type === 'notebook' ? {} : null),
        translator: translator ?? nullTranslator
      });
      if (!button.accept) {
        return null;
      }
      const found = value?.find(({ type }) => type === 'notebook');
      if (!found) {
        throw new Obstacle(
          trans.__('No notebook was chosen.'),
          trans.__('Click one in the list before you press Select.')
        );
      }
      return found.path;
    }
  }
};

/** Save what is open of it; what to say about that. Throws an Obstacle when it can't be saved. */
async function saved(
  notebooks: INotebookTracker | null,
  path: string,
  trans: Trans
): Promise<string> {
  const panel = notebooks?.find(({ context }) => context.path === path);
  if (!panel?.context.model.dirty) {
    return '';
  }
  await panel.context.save();
  if (panel.context.model.dirty) {
    throw new Obstacle(
      trans.__('The notebook has unsaved changes, and could not be saved.'),
      trans.__('Save it, then run it.')
    );
  }
  return trans.__('The notebook was saved: what is in its file is run.');
}
