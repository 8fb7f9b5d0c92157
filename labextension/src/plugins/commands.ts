/** The commands that need no widget of their own: launch, scale, stop and what else is asked of
 * the service. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { addIcon, copyIcon, stopIcon, undoIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { launchCode, reference, shellCommand } from '../code';
import { ending } from '../components/lifetime';
import { extendDialog, launchDialog, scaleDialog, shareDialog } from '../dialogs';
import type { Wish } from '../dialogs/choice';
import type { Backend } from '../model';
import { PendingStops } from '../panel/stops';
import type { Relaunches } from '../relaunch/relaunches';
import {
  CommandIDs,
  DOMAIN,
  IAlongside,
  IPendingStops,
  IPreferences,
  IRelaunches
} from '../tokens';
import type { Trans } from '../words';
import { Abouts } from './about';
import { Obstacle, telling } from './complaints';
import { alongsideIcon } from './icons';
import { putAway } from './pause';

export const commands: JupyterFrontEndPlugin<PendingStops> = {
  id: 'jupyterhub-alongside:commands',
  description: 'Launches, scales, shares and stops backends.',
  autoStart: true,
  provides: IPendingStops,
  requires: [IAlongside, IPreferences],
  optional: [IRelaunches, ITranslator, ICommandPalette, ILauncher],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    preferences: IPreferences,
    relaunches: Relaunches | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null
  ): PendingStops => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    addLaunch(app, alongside, trans);
    const category = trans.__('Alongside');
    palette?.addItem({ command: CommandIDs.launch, category });
    launcher?.add({
      command: CommandIDs.launch,
      category,
      args: { isLauncher: true },
      rank: 1,
      categoryRank: 30
    });
    const stops = new PendingStops(
      (id, leaving) => alongside.service.stop(id, leaving),
      () => preferences.current.stopDelay
    );
    stops.failed.connect((_, { error }) => {
      void telling(trans, () => Promise.reject(error));
    });
    addAbouts(app, alongside, stops, relaunches, trans, palette);
    return stops;
  }
};

function addLaunch(app: JupyterFrontEnd, alongside: IAlongside, trans: Trans): void {
  const { store } = alongside;
  const blocked = () => store.problem?.detail ?? '';
  app.commands.addCommand(CommandIDs.launch, {
    label: args => (args.isLauncher ? trans.__('Cluster') : trans.__('Launch a cluster…')),
    caption: () => blocked() || trans.__('Launch a cluster alongside this session'),
    icon: args => (args.isLauncher ? alongsideIcon : addIcon),
    isEnabled: () => !blocked(),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          profile: { type: 'string' },
          kind: { type: 'string' },
          name: { type: 'string' },
          options: { type: 'object' }
        }
      }
    },
    execute: args =>
      telling(trans, async () => {
        const backend = await launchDialog(alongside, trans, filledIn(args));
        if (backend) {
          store.put(backend);
        }
        // the launcher takes a widget and closes its tab for it; there is none
        return args.isLauncher ? undefined : backend;
      })
  });
  store.changed.connect(() => app.commands.notifyCommandChanged(CommandIDs.launch));
}

function addAbouts(
  app: JupyterFrontEnd,
  alongside: IAlongside,
  stops: PendingStops,
  relaunches: Relaunches | null,
  trans: Trans,
  palette: ICommandPalette | null
): void {
  const { store, service } = alongside;
  const abouts = new Abouts(app, alongside, trans, palette);
  abouts.add(CommandIDs.scale, {
    label: trans.__('Scale'),
    caption: trans.__('Change its size'),
    act: 'scale',
    run: async ({ id }, { members }) => {
      return await scaleDialog(
        alongside,
        trans,
        id,
        typeof members === 'number' ? members : undefined,
        relaunches
      );
    }
  });
  abouts.add(CommandIDs.share, {
    label: trans.__('Share'),
    caption: trans.__('Let others look at it or attach to it'),
    act: 'share',
    run: async ({ id }) => await shareDialog(alongside, trans, id)
  });
  abouts.add(CommandIDs.extend, {
    label: trans.__('Keep longer'),
    caption: trans.__('Give it more time before it ends by itself'),
    act: 'extend',
    run: async backend => {
      if (ending(backend)?.idle) {
        store.put(await service.change(backend.id, { needed: true }));
      } else {
        await extendDialog(alongside, trans, backend.id);
      }
    }
  });
  abouts.add(CommandIDs.keep, {
    label: trans.__('Keep when the session ends'),
    caption: trans.__('Whether it stays when its session ends'),
    act: 'keep',
    run: async (backend, { keep }) => {
      const wanted = typeof keep === 'boolean' ? keep : !backend.keep;
      store.put(await service.change(backend.id, { keep: wanted }));
    }
  });
  abouts.add(CommandIDs.retry, {
    label: trans.__('Launch again'),
    caption: trans.__('Launch one like it, after a look at what it is given'),
    act: 'retry',
    palette: false,
    run: backend => app.commands.execute(CommandIDs.launch, again(backend))
  });
  abouts.add(CommandIDs.dismiss, {
    label: trans.__('Dismiss'),
    caption: trans.__('Remove it from the list, with its logs'),
    act: 'dismiss',
    palette: false,
    run: ({ id }) => service.stop(id)
  });
  abouts.add(CommandIDs.copy, {
    label: trans.__('Copy as code'),
    caption: trans.__('Put the code that launches one like it on the clipboard'),
    icon: copyIcon,
    act: 'copy',
    offline: true,
    run: (backend, { what }) => copy(backend, what === 'shell' ? 'shell' : 'python')
  });
  abouts.add(CommandIDs.pause, {
    label: trans.__('Save and stop'),
    caption: trans.__('Put it away with what the notebook has in it, to go on another time'),
    act: 'pause',
    palette: false,
    run: backend => relaunches && putAway(backend, relaunches, trans)
  });
  abouts.add(CommandIDs.stop, {
    label: trans.__('Stop'),
    caption: trans.__('End it and free what it takes'),
    icon: stopIcon,
    act: 'stop',
    run: backend => stops.stop(backend)
  });
  abouts.add(CommandIDs.undo, {
    label: trans.__('Do not stop'),
    caption: trans.__('Take back a stop that has not been sent yet'),
    icon: undoIcon,
    act: 'stop',
    offline: true,
    palette: false,
    run: ({ id, name }) => {
      if (!stops.undo(id)) {
        throw new Obstacle(trans.__('It is too late: “%1” is being stopped.', name), '');
      }
    }
  });

  function copy(backend: Backend, what: 'python' | 'shell'): void {
    const target = reference(backend, store.backends.values(), store.user);
    Clipboard.copyToSystem(what === 'shell' ? shellCommand(target) : launchCode(backend));
    Notification.info(trans.__('Copied.'), { autoClose: 2000 });
  }
}

/** What the Launch dialog starts with. */
function filledIn(args: ReadonlyPartialJSONObject): Wish {
  const { profile, kind, name, options } = args;
  return JSON.parse(JSON.stringify({ profile, kind, name, options })) as Wish;
}

/** What launches one like it. */
export function again(backend: Backend): ReadonlyPartialJSONObject {
  const { profile, kind, name, options } = backend;
  return JSON.parse(JSON.stringify({ profile, kind, name, options }));
}
