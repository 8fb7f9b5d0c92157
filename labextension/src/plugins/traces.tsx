/** The tabs that show what made a file. What they are made of is loaded with the first one. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { traceCommand } from '../code';
import { RunRequests } from '../runs/requests';
import type { TraceViewProps } from '../runs/TraceView';
import { baseOf, type Wanted } from '../runs/tracing';
import { CommandIDs, DOMAIN, IAlongside } from '../tokens';
import { Obstacle, telling } from './complaints';
import { alongsideIcon } from './icons';

const PLACE = 'alongside-trace';

type Given = Omit<TraceViewProps, 'derived' | 'onDerived'>;

class TraceTab extends ReactWidget {
  constructor(
    private readonly Drawn: typeof import('../runs/TraceView').TraceView,
    readonly given: Given,
    private readonly chosen: () => void
  ) {
    super();
    this.addClass('alongside-RunTab');
  }

  /** Whether it shows what was made of the file. */
  get derived(): boolean {
    return this._derived;
  }

  set derived(derived: boolean) {
    this._derived = derived;
    this.chosen();
    this.update();
  }

  protected override render() {
    const { Drawn, given, derived } = this;
    return (
      <Drawn
        {...given}
        derived={derived}
        onDerived={one => {
          this.derived = one;
        }}
      />
    );
  }

  private _derived = false;
}

export const traces: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:traces',
  description: 'Shows what made a file, over all runs.',
  autoStart: true,
  requires: [IAlongside],
  optional: [ITranslator, IFileBrowserFactory, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { store, service }: IAlongside,
    translator: ITranslator | null,
    browsers: IFileBrowserFactory | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<TraceTab>>({ namespace: PLACE });
    const requests = new RunRequests(service);
    const execute = (command: string, args: ReadonlyPartialJSONObject) =>
      void app.commands.execute(command, args).catch(error => console.warn(error));
    const actions: Given['actions'] = {
      run: (id, step, view) => execute(CommandIDs.openRun, { id, step, ...(view && { view }) }),
      file: path => execute('filebrowser:open-path', { path }),
      copy: (sha256, derived) => {
        Clipboard.copyToSystem(traceCommand(sha256, derived));
        Notification.info(trans.__('Copied.'), { autoClose: 2000 });
      }
    };

    async function open(wanted: Wanted, derived: boolean): Promise<void> {
      const { TraceView } = await import('../runs/TraceView');
      const id = `${PLACE}:${JSON.stringify(wanted)}`;
      let widget = tracker.find(one => one.id === id);
      if (!widget) {
        const chosen = () => void tracker.save(made);
        const given = { wanted, store, requests, actions, trans };
        const made = new MainAreaWidget({ content: new TraceTab(TraceView, given, chosen) });
        widget = made;
        const name = 'path' in wanted ? baseOf(wanted.path) : wanted.name;
        widget.toolbar.hide();
        widget.id = id;
        widget.title.label = trans.__('What made %1', name);
        widget.title.icon = alongsideIcon;
        widget.title.closable = true;
        void tracker.add(widget);
        app.shell.add(widget, 'main', { type: 'Run' });
      }
      widget.content.derived = derived;
      app.shell.activateById(id);
    }

    app.commands.addCommand(CommandIDs.trace, {
      label: trans.__('What made this file?'),
      caption: trans.__('The steps of all runs that it goes back to'),
      icon: alongsideIcon,
      isVisible: () => store.runs !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string' },
            run: { type: 'string' },
            step: { type: 'string' },
            name: { type: 'string' },
            derived: { type: 'boolean' }
          }
        }
      },
      execute: ({ path, run, step, name, derived }) =>
        telling(trans, () => {
          if (run) {
            return open({ run: `${run}`, step: `${step}`, name: `${name}` }, derived === true);
          }
          const [item] = browsers?.tracker.currentWidget?.selectedItems() ?? [];
          const found = path ?? item?.path;
          if (!found) {
            throw new Obstacle(
              trans.__('No file is chosen.'),
              trans.__('Choose one in the file browser.')
            );
          }
          const local = app.serviceManager.contents.localPath(`${found}`);
          return open({ path: local }, derived === true);
        })
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.trace,
      args: ({ content: { given, derived } }) => ({ ...given.wanted, derived }),
      name: widget => widget.id
    });
  }
};
