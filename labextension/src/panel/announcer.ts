/** What a screen reader is told: changes of phase, gathered, of the user's own backends. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Backend } from '../model';
import type { Store } from '../store';
import type { Trans } from '../words';

/** Milliseconds in which changes are gathered into one announcement. */
const GATHER = 800;
/** More changes at a time than this are only counted. */
const MOST = 3;

export class Announcer implements IDisposable {
  constructor(
    private readonly store: Pick<Store, 'backend' | 'user'>,
    private readonly trans: Trans
  ) {
    store.backend.connect(this.hear, this);
  }

  /** There is something new to say. */
  get said(): ISignal<this, string> {
    return this._said;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    window.clearTimeout(this._timer);
    this.store.backend.disconnect(this.hear, this);
    Signal.clearData(this);
  }

  private hear(
    _: unknown,
    { before, after }: { before: Backend | undefined; after: Backend | undefined }
  ): void {
    if (!before || !after || before.phase === after.phase || after.owner !== this.store.user) {
      return;
    }
    this._news.set(after.id, after);
    if (this._timer === 0) {
      this._timer = window.setTimeout(() => this._say(), GATHER);
    }
  }

  private _say(): void {
    this._timer = 0;
    const news = [...this._news.values()];
    this._news.clear();
    this._said.emit(
      news.length > MOST
        ? this.trans._n('%1 backend has changed.', '%1 backends have changed.', news.length)
        : news.map(backend => this._sentence(backend)).join(' ')
    );
  }

  private _sentence({ name, phase, message }: Backend): string {
    const { trans } = this;
    switch (phase) {
      case 'running':
        return trans.__('%1 is running.', name);
      case 'scaling':
        return trans.__('%1 is changing its size.', name);
      case 'stopping':
        return trans.__('%1 is stopping.', name);
      case 'stopped':
        return trans.__('%1 has ended.', name);
      case 'failed':
        return trans.__('%1 has failed. %2', name, message);
      default:
        return trans.__('%1 is starting.', name);
    }
  }

  private readonly _said = new Signal<this, string>(this);
  private readonly _news = new Map<string, Backend>();
  private _timer = 0;
  private _disposed = false;
}
