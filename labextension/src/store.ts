/** The backends as they are now: a snapshot, kept up to date by the server's events. */
import { JSONExt, type JSONValue, PromiseDelegate } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Backend, Change, Me, Problem, Sample, State } from './model';
import { Refusal } from './requests';

/** Milliseconds without any event after which the stream counts as lost; the server emits one
 * every 15 s at least. */
const SILENCE = 40_000;
/** Milliseconds before the next try to get a snapshot. */
const PAUSES = [500, 1000, 2000, 5000, 10_000];
/** Samples of use that are kept of each backend. */
const SAMPLES = 120;
const NONE: readonly Sample[] = [];

/** Where a `Store` gets what it holds. */
export interface Source {
  state(): Promise<State>;
  me(session?: string | null): Promise<Me>;
}

/** Everything the panel, the status bar and notifications show, in one place.
 *
 * `changed` is emitted after each change, at most once a frame; `backend` tells each backend's
 * change at once, with what it was before. Both sides of it are undefined for what wasn't or isn't
 * there. */
export class Store implements IDisposable {
  constructor(
    private readonly source: Source,
    private readonly events: ISignal<unknown, Change>
  ) {
    this.events.connect(this.take, this);
    void this.refresh();
  }

  /** Something is different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** One backend is different. */
  get backend(): ISignal<this, { before: Backend | undefined; after: Backend | undefined }> {
    return this._backend;
  }

  /** The first snapshot is here, or has failed. */
  get ready(): Promise<void> {
    return this._ready.promise;
  }

  /** Whether a snapshot was ever had. */
  get loaded(): boolean {
    return this._epoch !== '';
  }

  /** Whether the server hears from the service. Not heard of yet is no problem yet. */
  get connected(): boolean {
    return this._connected;
  }

  /** Why what is shown may be old; null when it is not. */
  get problem(): Problem | null {
    return this._problem;
  }

  /** Who this is and what may be had; null until it is known. */
  get me(): Me | null {
    return this._me;
  }

  /** The name of this session: '' is the default one, null is none. */
  get session(): string | null {
    return this._session;
  }

  get user(): string {
    return this._user;
  }

  /** Whether there is no hub. */
  get alone(): boolean {
    return this._alone;
  }

  /** Base URL of the hub; '' where there is none. */
  get hub(): string {
    return this._hub;
  }

  /** All backends, by id. */
  get backends(): ReadonlyMap<string, Backend> {
    return this._backends;
  }

  /** The last samples of what a backend uses, oldest first. */
  history(id: string): readonly Sample[] {
    return this._history.get(id) ?? NONE;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      clearTimeout(this._timer);
      clearTimeout(this._meTimer);
      Signal.clearData(this);
    }
  }

  /** Take an answer of the service at once, without waiting for its event.
   *
   * Events may have overtaken it: of a backend that is known, it only says what was asked for, not
   * what it does; and one that has gone meanwhile stays away. */
  put(backend: Backend): void {
    const { options, resources, lifetime, keep, shares, needed, expires } = backend;
    const known = this._backends.get(backend.id);
    if (!this._gone.has(backend.id)) {
      this._set(
        known ? { ...known, options, resources, lifetime, keep, shares, needed, expires } : backend
      );
      this._tell();
    }
  }

  /** Get a new snapshot, until one is had. */
  async refresh(): Promise<void> {
    if (this._fetching || this._disposed) {
      return;
    }
    this._fetching = true;
    clearTimeout(this._timer);
    this._held = [];
    for (let tries = 0; !this._disposed; tries++) {
      try {
        this._adopt(await this.source.state());
        break;
      } catch (error) {
        this._problem = problemOf(error);
        this._tell();
        this._ready.resolve();
        await pause(PAUSES[Math.min(tries, PAUSES.length - 1)] as number);
      }
    }
    this._fetching = false;
    const held = this._held;
    this._held = [];
    for (const change of held) {
      this.take(undefined, change);
    }
    this._listen();
    this._ready.resolve();
  }

  /** Ask again what may be had. */
  async refreshMe(): Promise<void> {
    try {
      this._me = await this.source.me(this._session);
      this._tell();
    } catch {
      // the panel says already that the service doesn't answer; what was known stays
    }
  }

  private take(_: unknown, change: Change): void {
    if (this._disposed) {
      return;
    }
    if (this._fetching) {
      this._held.push(change);
      return;
    }
    this._listen();
    if (change.epoch === this._epoch && change.sequence <= this._sequence) {
      return; // in the snapshot already
    }
    if (
      change.epoch !== this._epoch ||
      change.sequence !== this._sequence + 1 ||
      change.type === 'reset'
    ) {
      void this.refresh();
      return;
    }
    this._sequence = change.sequence;
    if (change.type === 'changed') {
      const { backend, sample } = change;
      if (sample) {
        const samples = [...this.history(backend.id), sample];
        this._history.set(backend.id, samples.slice(-SAMPLES));
      }
      this._set(backend);
    } else if (change.type === 'removed') {
      this._remove(change.id);
    } else if (change.type === 'state') {
      const back = change.connected && !this._connected;
      this._connected = change.connected;
      this._problem = change.connected ? null : change.problem;
      if (back) {
        void this.refreshMe();
      }
    }
    this._tell();
  }

  private _adopt(state: State): void {
    this._epoch = state.epoch;
    this._sequence = state.sequence;
    this._connected = state.connected;
    this._problem = state.connected ? null : state.problem;
    this._session = state.session;
    this._user = state.user;
    this._alone = state.alone;
    this._hub = state.hub;
    const there = new Set(state.backends.map(({ id }) => id));
    for (const id of [...this._backends.keys()]) {
      if (!there.has(id)) {
        this._remove(id);
      }
    }
    for (const { history, ...backend } of state.backends) {
      this._history.set(backend.id, history.slice(-SAMPLES));
      this._set(backend);
    }
    this._gone.clear();
    void this.refreshMe();
    this._tell();
  }

  private _set(after: Backend): void {
    const before = this._backends.get(after.id);
    if (before && same(before, after)) {
      return; // the same object stays, so that nothing is drawn again
    }
    this._gone.delete(after.id);
    this._backends.set(after.id, after);
    this._backend.emit({ before, after });
    if (before?.phase !== after.phase || before.resources?.cores !== after.resources?.cores) {
      this._askMeSoon();
    }
  }

  private _remove(id: string): void {
    this._gone.add(id);
    const before = this._backends.get(id);
    this._history.delete(id);
    if (this._backends.delete(id)) {
      this._backend.emit({ before, after: undefined });
      this._askMeSoon();
    }
  }

  /** Many backends may change at once: what may be had is asked for once. */
  private _askMeSoon(): void {
    clearTimeout(this._meTimer);
    this._meTimer = window.setTimeout(() => void this.refreshMe(), 200);
  }

  private _listen(): void {
    clearTimeout(this._timer);
    if (!this._disposed) {
      this._timer = window.setTimeout(() => void this.refresh(), SILENCE);
    }
  }

  private _tell(): void {
    if (this._told) {
      return;
    }
    this._told = true;
    // a timer rather than a frame: frames stop in a tab that nobody sees
    window.setTimeout(() => {
      this._told = false;
      if (!this._disposed) {
        this._changed.emit();
      }
    }, 16);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _backend = new Signal<
    this,
    { before: Backend | undefined; after: Backend | undefined }
  >(this);
  private readonly _backends = new Map<string, Backend>();
  private readonly _history = new Map<string, Sample[]>();
  private readonly _ready = new PromiseDelegate<void>();
  private readonly _gone = new Set<string>();
  private _connected = false;
  private _epoch = '';
  private _sequence = 0;
  private _problem: Problem | null = null;
  private _me: Me | null = null;
  private _session: string | null = null;
  private _user = '';
  private _alone = false;
  private _hub = '';
  private _held: Change[] = [];
  private _fetching = false;
  private _disposed = false;
  private _told = false;
  private _timer = 0;
  private _meTimer = 0;
}

function same(one: Backend, other: Backend): boolean {
  return JSONExt.deepEqual(one as unknown as JSONValue, other as unknown as JSONValue);
}

function problemOf(error: unknown): Problem {
  return error instanceof Refusal
    ? error.problem
    : { detail: 'Something unexpected happened.', remedy: 'Reload the page.' };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}
