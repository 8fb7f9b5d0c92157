/** What the server tells, in order and without gaps: a snapshot, then one change after another. */
import { PromiseDelegate } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { Change, State } from './model';

/** Milliseconds without any event after which the stream counts as lost; the server emits one
 * every 15 s at least. */
const SILENCE = 40_000;
/** Milliseconds before the next try to get a snapshot. */
const PAUSES = [500, 1000, 2000, 5000, 10_000];

/** Who is told. */
export interface Listener {
  snapshot(state: State): void;
  /** Something has changed since. */
  change(change: Change): void;
  /** A snapshot could not be had; it is asked for again. */
  failed(error: unknown): void;
}

/** Whatever gets lost on the way, or comes twice, is mended by another snapshot. */
export class Feed implements IDisposable {
  constructor(
    private readonly ask: () => Promise<State>,
    private readonly events: ISignal<unknown, Change>,
    private readonly listener: Listener
  ) {
    this.events.connect(this.take, this);
  }

  /** The first snapshot is here, or has failed. */
  get ready(): Promise<void> {
    return this._ready.promise;
  }

  /** Whether a snapshot was ever had. */
  get loaded(): boolean {
    return this.epoch !== '';
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    clearTimeout(this.timer);
    this.events.disconnect(this.take, this);
  }

  /** Get a new snapshot, until one is had. */
  async refresh(): Promise<void> {
    if (this.fetching || this._disposed) {
      return;
    }
    this.fetching = true;
    clearTimeout(this.timer);
    this.held = [];
    for (let tries = 0; !this._disposed; tries++) {
      try {
        const state = await this.ask();
        this.epoch = state.epoch;
        this.sequence = state.sequence;
        this.listener.snapshot(state);
        break;
      } catch (error) {
        this.listener.failed(error);
        this._ready.resolve();
        await pause(PAUSES[Math.min(tries, PAUSES.length - 1)] as number);
      }
    }
    this.fetching = false;
    const held = this.held;
    this.held = [];
    for (const change of held) {
      this.take(undefined, change);
    }
    this.listen();
    this._ready.resolve();
  }

  private take(_: unknown, change: Change): void {
    if (this._disposed) {
      return;
    }
    if (this.fetching) {
      this.held.push(change);
      return;
    }
    this.listen();
    const { epoch, sequence, type } = change;
    if (epoch === this.epoch && sequence <= this.sequence) {
      return; // in the snapshot already
    }
    if (epoch !== this.epoch || sequence !== this.sequence + 1 || type === 'reset') {
      void this.refresh();
      return;
    }
    this.sequence = sequence;
    this.listener.change(change);
  }

  private listen(): void {
    clearTimeout(this.timer);
    if (!this._disposed) {
      this.timer = window.setTimeout(() => void this.refresh(), SILENCE);
    }
  }

  private readonly _ready = new PromiseDelegate<void>();
  private epoch = '';
  private sequence = 0;
  /** Changes that came while a snapshot was on its way. */
  private held: Change[] = [];
  private fetching = false;
  private timer = 0;
  private _disposed = false;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
