/** A backend in a notebook's output, where JupyterLab's own list of backends is at hand.
 *
 * The kernel's widget needs the kernel; this doesn't, so it also shows what is true after a restart
 * of the kernel and in a notebook that was opened again. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';

import type { Actions } from '../components/actions';
import { BackendCard } from '../components/BackendCard';
import { Trouble } from '../components/Trouble';
import { plural } from '../kinds';
import type { PendingStops } from '../panel/stops';
import type { Relaunches } from '../relaunch/relaunches';
import type { Store } from '../store';
import { DOMAIN, IAlongside, IPendingStops, IRelaunches } from '../tokens';
import { keepKeys } from '../widget/keys';
import type { Trans } from '../words';
import { commandActions, relaunchActions } from './actions';
import { telling } from './complaints';

const MIME = 'application/vnd.alongside.backend+json';
/** Before the kernel's widget (-10 or more) and all that is static. */
const RANK = -20;

export const output: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:output',
  description: 'Shows backends in the outputs of notebooks.',
  autoStart: true,
  requires: [IAlongside, IPendingStops, INotebookTracker],
  optional: [IRelaunches, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { store, service }: IAlongside,
    stops: PendingStops,
    notebooks: INotebookTracker,
    relaunches: Relaunches | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const changed = new Signal<object, void>({});
    store.changed.connect(() => changed.emit());
    stops.changed.connect(() => changed.emit());
    relaunches?.changed.connect(() => changed.emit());
    const commands = commandActions(app.commands);
    const actions: Actions = {
      ...commands,
      ...relaunchActions(relaunches),
      // where members come and go while it works, the stepper asks nobody; others start anew
      scale: (backend, members) => {
        const { scaling, member } = store.kind(backend);
        if (scaling !== 'live' || members === undefined) {
          commands.scale?.(backend, members);
          return;
        }
        const options = { [plural(member, 2)]: members };
        void telling(trans, () => service.change(backend.id, { options }));
      }
    };
    const factory: IRenderMime.IRendererFactory = {
      safe: true, // nothing of what a notebook was saved with is more than text
      mimeTypes: [MIME],
      createRenderer: () => new Output({ store, stops, relaunches, actions, changed, trans })
    };
    const add = ({ content }: NotebookPanel) => content.rendermime.addFactory(factory, RANK);
    notebooks.forEach(add);
    notebooks.widgetAdded.connect((_, panel) => add(panel));
  }
};

interface Context {
  store: Store;
  stops: PendingStops;
  relaunches: Relaunches | null;
  actions: Actions;
  changed: Signal<object, void>;
  trans: Trans;
}

/** One output. */
export class Output extends ReactWidget implements IRenderMime.IRenderer {
  constructor(private readonly context: Context) {
    super();
    this.addClass('alongside-Output');
    keepKeys(this.node);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { id, name } = (model.data[MIME] ?? {}) as Record<string, unknown>;
    this.known = { id: String(id ?? ''), name: String(name ?? '') };
    this.update();
    await this.renderPromise;
  }

  protected override render() {
    const { changed } = this.context;
    return <UseSignal signal={changed}>{() => this.draw()}</UseSignal>;
  }

  private draw() {
    const { store, stops, relaunches, actions, trans } = this.context;
    const { id, name } = this.known;
    const backend = store.backends.get(id);
    if (!backend) {
      return store.loaded ? (
        <Trouble
          level="warning"
          detail={trans.__('“%1” has ended, and nothing more is known of it.', name)}
          remedy={trans.__('Run the cell again to launch another one.')}
        />
      ) : (
        <p>{name}</p>
      );
    }
    const { me, problem } = store;
    const relaunch = relaunches?.of(id);
    return (
      <BackendCard
        backend={backend}
        kind={store.kind(backend)}
        history={store.history(id)}
        actions={actions}
        trans={trans}
        user={store.user}
        session={store.session}
        groups={me?.groups ?? NONE}
        admin={me?.admin ?? false}
        density="widget"
        busy={stops.sending(id) || relaunch?.end === ''}
        blocked={problem ? `${problem.detail} ${problem.remedy}`.trim() : ''}
        stopsAt={stops.at(id)}
        relaunch={relaunch}
      />
    );
  }

  private known = { id: '', name: '' };
}

const NONE: readonly string[] = [];
