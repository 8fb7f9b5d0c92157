/** The tab with two runs beside each other. What it is made of is loaded when it is opened. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';

import type { CompareViewProps } from '../runs/CompareView';
import { RunRequests } from '../runs/requests';
import { CommandIDs, DOMAIN, IAlongside } from '../tokens';
import { telling } from './complaints';
import { alongsideIcon } from './icons';

const PLACE = 'alongside-compare-runs';

type Given = Pick<CompareViewProps, 'store' | 'requests' | 'trans'>;

class CompareTab extends ReactWidget {
  constructor(
    private readonly Drawn: typeof import('../runs/CompareView').CompareView,
    private readonly given: Given,
    private readonly chosen: () => void
  ) {
    super();
    this.addClass('alongside-RunTab');
  }

  /** Show these two; '' is for the newest that fits. */
  get ids(): [string, string] {
    return this._ids;
  }

  set ids(ids: [string, string]) {
    this._ids = ids;
    this.chosen();
    this.update();
  }

  protected override render() {
    const { Drawn, given, ids } = this;
    return (
      <Drawn
        {...given}
        ids={ids}
        onChoose={chosen => {
          this.ids = chosen;
        }}
      />
    );
  }

  private _ids: [string, string] = ['', ''];
}

export const compareRuns: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:compare-runs',
  description: 'Shows two runs beside each other.',
  autoStart: true,
  requires: [IAlongside],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { store, service }: IAlongside,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<CompareTab>>({ namespace: PLACE });
    const requests = new RunRequests(service);

    async function open(ids: [string, string]): Promise<void> {
      const { CompareView } = await import('../runs/CompareView');
      let widget = tracker.currentWidget;
      if (!widget) {
        const chosen = () => {
          if (tracker.currentWidget) {
            void tracker.save(tracker.currentWidget);
          }
        };
        widget = new MainAreaWidget({
          content: new CompareTab(CompareView, { store, requests, trans }, chosen)
        });
        widget.toolbar.hide();
        widget.id = PLACE;
        widget.title.label = trans.__('Runs compared');
        widget.title.icon = alongsideIcon;
        widget.title.closable = true;
        void tracker.add(widget);
        app.shell.add(widget, 'main', { type: 'Run' });
      }
      widget.content.ids = ids;
      app.shell.activateById(PLACE);
    }

    app.commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare two runs'),
      icon: alongsideIcon,
      isVisible: () => store.runs !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string' }, other: { type: 'string' } }
        }
      },
      execute: ({ id, other }) => telling(trans, () => open([`${id ?? ''}`, `${other ?? ''}`]))
    });
    palette?.addItem({ command: CommandIDs.compareRuns, category: trans.__('Alongside') });
    void restorer?.restore(tracker, {
      command: CommandIDs.compareRuns,
      args: ({ content: { ids } }) => ({ id: ids[0], other: ids[1] }),
      name: () => PLACE
    });
  }
};
