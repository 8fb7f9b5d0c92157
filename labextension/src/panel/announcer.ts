/** What a screen reader is told: changes of the user's own backends and runs, gathered. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Backend } from '../model';
import type { Run } from '../runs/types';
import type { Happened } from '../shelf';
import type { Store } from '../store';
import type { Trans } from '../words';

/** Milliseconds in which changes are gathered into one announcement. */
const GATHER = 800;
/** More changes at a time than this are only counted. */
const MOST = 3;

export class Announcer implements IDisposable {
  constructor(
    private readonly store: Pick<Store, 'backend' | 'run' | 'user'>,
    private readonly trans: Trans
  ) {
    store.backend.connect(this.hearBackend, this);
    store.run.connect(this.hearRun, this);
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
    this.store.backend.disconnect(this.hearBackend, this);
    this.store.run.disconnect(this.hearRun, this);
    Signal.clearData(this);
  }

  private hearBackend(_: unknown, { before, after }: Happened<Backend>): void {
    if (before && after && before.phase !== after.phase) {
      this._take(after, this._aboutBackend(after));
    }
  }

  private hearRun(_: unknown, { before, after }: Happened<Run>): void {
    if (before && after && before.state !== after.state) {
      this._take(after, this._aboutRun(after));
    }
  }

  private _take({ id, owner }: { id: string; owner: string }, sentence: string): void {
    if (owner !== this.store.user) {
      return;
    }
    this._news.set(id, sentence);
    if (this._timer === 0) {
      this._timer = window.setTimeout(() => this._say(), GATHER);
    }
  }

  private _say(): void {
    this._timer = 0;
    const news = [...this._news.values()];
    this._news.clear();
    this._said.emit(
      news.length > MOST ? this.trans.__('%1 things have changed.', news.length) : news.join(' ')
    );
  }

  private _aboutBackend({ name, phase, message }: Backend): string {
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

  private _aboutRun({ name, state, message }: Run): string {
    const { trans } = this;
    switch (state) {
      case 'succeeded':
        return trans.__('The run %1 is done.', name);
      case 'failed':
        return trans.__('The run %1 has failed. %2', name, message);
      case 'cancelled':
        return trans.__('The run %1 was cancelled.', name);
      case 'waiting':
        return trans.__('The run %1 waits.', name);
      case 'pausing':
        return trans.__('The run %1 is tried again soon.', name);
      default:
        return trans.__('The run %1 has begun.', name);
    }
  }

  private readonly _said = new Signal<this, string>(this);
  private readonly _news = new Map<string, string>();
  private _timer = 0;
  private _disposed = false;
}
