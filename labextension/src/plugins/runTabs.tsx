/** Runs as tabs, there again after a reload. What they are made of is loaded with the first one. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { RunViewProps } from '../runs/RunView';
import { RunRequests } from '../runs/requests';
import { VIEWS } from '../runs/types';
import { CommandIDs, DOMAIN, IAlongside } from '../tokens';
import { commandActions, runActions } from './actions';
import { telling } from './complaints';
import { alongsideIcon } from './icons';
import { named } from './runs';

const RESTORE = 'alongside:restore-run';

type Given = Omit<RunViewProps, 'asked'>;

class RunTab extends ReactWidget {
  constructor(
    private readonly Drawn: typeof import('../runs/RunView').RunView,
    readonly given: Given
  ) {
    super();
    this.addClass('alongside-RunTab');
  }

  /** Show this step in this way. */
  ask(asked: RunViewProps['asked']): void {
    this._asked = asked;
    this.update();
  }

  protected override render() {
    const { Drawn, given, _asked } = this;
    return <Drawn {...given} asked={_asked} />;
  }

  private _asked: RunViewProps['asked'] = {};
}

export const runTabs: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:run-tabs',
  description: 'Shows single runs.',
  autoStart: true,
  requires: [IAlongside, IRenderMimeRegistry, NotebookPanel.IContentFactory, IEditorServices],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { store, service }: IAlongside,
    rendermime: IRenderMimeRegistry,
    contentFactory: NotebookPanel.IContentFactory,
    { mimeTypeService }: IEditorServices,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const language = translator ?? nullTranslator;
    const trans = language.load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<RunTab>>({ namespace: 'alongside-runs' });
    const requests = new RunRequests(service);
    const drawing = { rendermime, contentFactory, mimeTypeService, translator: language };
    const actions = runActions(app.commands);
    const clusters = commandActions(app.commands);

    async function open(id: string, name: string, asked?: RunViewProps['asked']): Promise<void> {
      const { RunView } = await import('../runs/RunView');
      const place = `alongside-run:${id}`;
      let widget = tracker.find(one => one.id === place);
      if (!widget) {
        const given = { id, name, store, requests, actions, clusters, drawing, trans };
        widget = new MainAreaWidget({ content: new RunTab(RunView, given) });
        widget.toolbar.hide();
        widget.id = place;
        widget.title.label = name;
        widget.title.caption = trans.__('Run “%1”', name);
        widget.title.icon = alongsideIcon;
        widget.title.closable = true;
        void tracker.add(widget);
        app.shell.add(widget, 'main', { type: 'Run' });
      }
      if (asked) {
        widget.content.ask(asked);
      }
      app.shell.activateById(place);
    }

    app.commands.addCommand(RESTORE, {
      execute: ({ id, name }) => open(`${id}`, `${name}`),
      isVisible: () => false
    });
    void restorer?.restore(tracker, {
      command: RESTORE,
      args: ({ content: { given } }) => ({ id: given.id, name: given.name }),
      name: widget => widget.id
    });
    app.commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open the run'),
      icon: alongsideIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            step: { type: 'string' },
            view: { enum: [...VIEWS] }
          },
          required: ['id']
        }
      },
      execute: ({ id, step, view }) =>
        telling(trans, () => {
          const run = named(store.runs, id, trans);
          const wanted = VIEWS.find(one => one === view);
          return open(run.id, run.name, {
            ...(typeof step === 'string' && { step }),
            ...(wanted && { view: wanted })
          });
        })
    });
  }
};
