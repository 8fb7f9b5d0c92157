/** What is asked of the service about runs: end them, take them up again, repeat them. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { type ReadonlyPartialJSONObject, UUID } from '@lumino/coreutils';

import { runDialog } from '../dialogs';
import { wishOf } from '../runs/plan';
import { RunRequests } from '../runs/requests';
import type { Run } from '../runs/types';
import { CommandIDs, DOMAIN, IAlongside } from '../tokens';
import type { Trans } from '../words';
import { Obstacle, telling } from './complaints';
import { download } from './download';

type Given = ReadonlyPartialJSONObject;

export const runs: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:runs',
  description: 'Ends, resumes, repeats and deletes runs.',
  autoStart: true,
  requires: [IAlongside],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, alongside: IAlongside, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { store, service } = alongside;
    const requests = new RunRequests(service);
    const add = (
      id: string,
      label: string,
      act: (run: Run, args: Given) => unknown,
      more: Given = {}
    ) => {
      app.commands.addCommand(id, {
        label,
        describedBy: {
          args: {
            type: 'object',
            properties: { id: { type: 'string' }, ...more },
            required: ['id']
          }
        },
        execute: args => telling(trans, () => act(named(store.runs, args.id, trans), args))
      });
    };
    add(CommandIDs.cancelRun, trans.__('Cancel the run'), ({ id }) => requests.cancel(id));
    add(CommandIDs.resumeRun, trans.__('Resume the run'), ({ id }) => requests.resume(id));
    add(CommandIDs.runAgain, trans.__('Run again…'), ({ id }) =>
      again(app, alongside, requests, id, trans)
    );
    add(CommandIDs.deleteRun, trans.__('Delete the run…'), async run => {
      if (await sure(run, trans)) {
        await requests.remove(run.id);
      }
    });
    add(CommandIDs.runRecord, trans.__('Save the run’s record'), async ({ id, name }) =>
      download(`${name}-record.json`, await requests.record(id))
    );
    add(
      CommandIDs.runReport,
      trans.__('Save a step’s report'),
      async ({ id, name }, args) => {
        const step = `${args.step}`;
        const report = await requests.report(id, step, Number(args.attempt) || 0);
        download(name === step ? `${name}.html` : `${name}-${step}.html`, report);
      },
      { step: { type: 'string' }, attempt: { type: 'integer' } }
    );
    add(CommandIDs.copyRun, trans.__('Copy the command that shows the run'), ({ id }) => {
      Clipboard.copyToSystem(`alongside runs show ${id}`);
      Notification.info(trans.__('Copied.'), { autoClose: 2000 });
    });
  }
};

/** The run that is meant. Throws an Obstacle when it isn't there. */
export function named(runs: ReadonlyMap<string, Run> | null, id: unknown, trans: Trans): Run {
  const run = runs?.get(`${id}`);
  if (!run) {
    throw new Obstacle(trans.__('This run is no longer there.'), '');
  }
  return run;
}

/** With its values filled in where it is one notebook, else as it was. */
async function again(
  app: JupyterFrontEnd,
  alongside: IAlongside,
  requests: RunRequests,
  id: string,
  trans: Trans
): Promise<void> {
  const before = await requests.get(id);
  const { name, workflow, executor } = before;
  const one = wishOf(before);
  if (one) {
    const { file, wish } = one;
    const run = await runDialog(alongside, trans, { notebook: { file }, wish, note: '' });
    if (!run) {
      return;
    }
  } else {
    const { button } = await showDialog({
      title: trans.__('Run “%1” again?', name),
      body: trans._n(
        'Its %1 step is run as it was then.',
        'Its %1 steps are run as they were then.',
        workflow.steps.length
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Run') })
      ]
    });
    if (!button.accept) {
      return;
    }
    alongside.store.putRun(await requests.submit(workflow, executor, UUID.uuid4()));
  }
  await app.commands.execute(CommandIDs.open, { section: 'runs' });
}

async function sure({ name }: Run, trans: Trans): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Delete the run “%1”?', name),
    body: trans.__(
      'Its logs, its record and the executed notebooks that are kept with it are lost. What its steps have written elsewhere stays.'
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ]
  });
  return button.accept;
}
