/** One page of a dashboard: while its backend runs, and a plain sentence when it does not. */
import { IFrame } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { complaint } from './complaints';
import { currentOf, pagePath, type Remembered, stage } from './pages';

export interface DashboardOptions {
  alongside: IAlongside;
  trans: Trans;
  remembered: Remembered;
  page: string;
  title: string;
  /** Launch one like it. */
  again(backend: Backend): void;
  close(): void;
}

/** Bokeh's pages are scripts that talk to this same server by a websocket. */
const SANDBOX: IFrame.SandboxExceptions[] = [
  'allow-scripts',
  'allow-same-origin',
  'allow-downloads'
];

/** Other people's backends whose pages the user wants to see. */
const trusted = new Set<string>();

/** The page of a live backend is loaded once, not again and again while it ends. */
export class Dashboard extends Widget {
  constructor(private readonly options: DashboardOptions) {
    super();
    this.addClass('alongside-Dashboard');
    this.layout = new PanelLayout();
    this.remembered = options.remembered;
    options.alongside.store.changed.connect(this._update, this);
    this._update();
  }

  /** The backend that it is about now. */
  remembered: Remembered;

  override dispose(): void {
    this.options.alongside.store.changed.disconnect(this._update, this);
    super.dispose();
  }

  protected override onActivateRequest(_: Message): void {
    this.node.tabIndex = -1;
    this.node.focus();
  }

  private _update(): void {
    const { store, service } = this.options.alongside;
    if (this.isDisposed || !store.loaded) {
      return;
    }
    const backend = currentOf(this.remembered, store.backends.values());
    if (backend) {
      this.remembered = { id: backend.id, name: backend.name, owner: backend.owner };
      this._last = backend;
    }
    const { user } = store;
    const asks = backend && backend.owner !== user && !trusted.has(backend.id);
    const shown = asks && stage(backend) === 'page' ? 'ask' : stage(backend);
    // an event more about what is shown already must not load the page anew
    const key = `${shown} ${backend?.id ?? ''}`;
    if (key === this._key) {
      return;
    }
    this._key = key;
    const layout = this.layout as PanelLayout;
    for (const old of [...layout.widgets]) {
      old.dispose();
    }
    if (shown === 'page' && backend) {
      const frame = new IFrame({ sandbox: SANDBOX, referrerPolicy: 'same-origin' });
      frame.url = service.url(pagePath(backend.id, this.options.page));
      frame.node.querySelector('iframe')?.setAttribute('title', this.options.title);
      layout.addWidget(frame);
    } else {
      layout.addWidget(this._notice(shown, this._last));
    }
  }

  private async _trust({ id }: Backend): Promise<void> {
    await this.options.alongside.service.trust(id);
    trusted.add(id);
    this._update();
  }

  private _notice(shown: 'ask' | ReturnType<typeof stage>, backend: Backend | null): Widget {
    const { trans } = this.options;
    const { name } = this.remembered;
    const node = document.createElement('div');
    node.className = 'alongside-Dashboard-notice';
    node.setAttribute('role', 'status');
    const sentence = node.appendChild(document.createElement('p'));
    sentence.textContent = {
      page: '',
      ask: trans.__(
        '“%1” belongs to %2, whose pages could act in your name here. Open them if you trust %2.',
        name,
        this.remembered.owner
      ),
      wait: trans.__('“%1” is starting. This page comes up once it runs.', name),
      stopping: trans.__('“%1” is being stopped, and its pages end with it.', name),
      ended: trans.__('“%1” has ended, and its pages with it.', name)
    }[shown];
    if (shown === 'ask' && backend) {
      node.append(
        button(trans.__('Open'), 'jp-mod-accept', () => {
          this._trust(backend).catch(error => {
            sentence.textContent = complaint(error, trans);
          });
        }),
        button(trans.__('Close'), 'jp-mod-reject', () => this.options.close())
      );
    }
    if (shown === 'ended') {
      if (backend) {
        node.append(
          button(trans.__('Launch again'), 'jp-mod-accept', () => this.options.again(backend))
        );
      }
      node.append(button(trans.__('Close'), 'jp-mod-reject', () => this.options.close()));
    }
    return new Widget({ node });
  }

  private _key = '';
  /** As it was last seen: one that was stopped is forgotten. */
  private _last: Backend | null = null;
}

function button(label: string, style: string, click: () => void): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = `jp-mod-styled ${style}`;
  node.textContent = label;
  node.addEventListener('click', click);
  return node;
}
