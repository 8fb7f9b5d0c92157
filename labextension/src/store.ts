/** The backends and runs as they are now: a snapshot, kept up to date by the server's events. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { Feed } from './feed';
import { type Kind, type Kinds, kindOf, kindsOf } from './kinds';
import type { Backend, Catalogue, Change, Me, Problem, Sample, Schedule, State } from './model';
import { problemOf } from './requests';
import type { Run } from './runs/types';
import { KnownSchedules } from './schedules/known';
import { type Happened, Shelf } from './shelf';
import { Usages } from './usage';
import { ENGLISH, type Trans } from './words';

/** Where a `Store` gets what it holds. */
export interface Source {
  state(): Promise<State>;
  me(session?: string | null): Promise<Me>;
  catalogue(): Promise<Catalogue>;
  schedules?(user: string): Promise<Schedule[]>;
}

/** Everything the panel, the status bar and notifications show, in one place.
 *
 * `changed` is emitted after each change, at most once a frame; `backend` and `run` tell each one's
 * change at once, with what it was before. */
export class Store implements IDisposable {
  constructor(
    private readonly source: Source,
    events: ISignal<unknown, Change>,
    trans: Trans = ENGLISH
  ) {
    this._feed = new Feed(() => source.state(), events, {
      snapshot: state => this._adopt(state),
      change: change => this._take(change),
      failed: error => {
        this._problem = problemOf(error, trans);
        this._tell();
      }
    });
    this._backends.changed.connect((_, { before, after }) => {
      if (before?.phase !== after?.phase || before?.resources?.cores !== after?.resources?.cores) {
        this._askMeSoon();
      }
    });
    void this._feed.refresh();
  }

  /** Something is different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** One backend is different. */
  get backend(): ISignal<unknown, Happened<Backend>> {
    return this._backends.changed;
  }

  /** One run is different. */
  get run(): ISignal<unknown, Happened<Run>> {
    return this._runs.changed;
  }

  /** The first snapshot is here, or has failed. */
  get ready(): Promise<void> {
    return this._feed.ready;
  }

  /** Whether a snapshot was ever had. */
  get loaded(): boolean {
    return this._feed.loaded;
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

  /** The kinds that the service knows, by name; none until they are known. */
  get kinds(): Kinds {
    return this._kinds;
  }

  /** What a backend's kind is called. */
  kind({ kind }: Pick<Backend, 'kind'>): Kind {
    return kindOf(this._kinds, kind);
  }

  /** All backends, by id. */
  get backends(): ReadonlyMap<string, Backend> {
    return this._backends.all;
  }

  /** All runs, by id; null where the service knows none. */
  get runs(): ReadonlyMap<string, Run> | null {
    return this._knowsRuns ? this._runs.all : null;
  }

  /** The user's own schedules. */
  get schedules(): readonly Schedule[] {
    return this._schedules.all;
  }

  /** The last samples of what a backend uses, oldest first. */
  history(id: string): readonly Sample[] {
    return this._usages.of(id);
  }

  get isDisposed(): boolean {
    return this._feed.isDisposed;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._feed.dispose();
      clearTimeout(this._meTimer);
      this._backends.clear();
      this._runs.clear();
      Signal.clearData(this);
    }
  }

  /** Take an answer of the service at once, without waiting for its event.
   *
   * Events may have overtaken it: of a backend that is known, it only says what was asked for, not
   * what it does; and one that has gone meanwhile stays away. */
  put(backend: Backend): void {
    const { options, resources, lifetime, keep, shares, needed, expires } = backend;
    const known = this.backends.get(backend.id);
    if (!this._backends.gone(backend.id)) {
      this._backends.set(
        known ? { ...known, options, resources, lifetime, keep, shares, needed, expires } : backend
      );
      this._tell();
    }
  }

  /** Take the run that the service has begun, unless its events were faster. */
  putRun(run: Run): void {
    if (!this._runs.gone(run.id) && !this._runs.all.has(run.id)) {
      this._runs.set(run);
      this._tell();
    }
  }

  /** Get a new snapshot, until one is had. */
  refresh(): Promise<void> {
    return this._feed.refresh();
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

  /** Ask again which schedules there are. */
  refreshSchedules(): Promise<void> {
    return this._schedules.refresh();
  }

  /** Ask again what the kinds are called. What hasn't changed stays the same object. */
  private async refreshKinds(): Promise<void> {
    try {
      const kinds = kindsOf(await this.source.catalogue());
      if (JSON.stringify(kinds) !== JSON.stringify(this._kinds)) {
        this._kinds = kinds;
        this._tell();
      }
    } catch {
      // what was known stays; until then cards do without the words
    }
  }

  private _take(change: Change): void {
    if (change.type === 'changed') {
      const { backend, sample } = change;
      if (sample) {
        this._usages.add(backend.id, sample);
      }
      this._backends.set(backend);
    } else if (change.type === 'removed') {
      this._usages.remove(change.id);
      this._backends.remove(change.id);
    } else if (change.type === 'run') {
      this._knowsRuns = true;
      this._runs.set(change.run);
    } else if (change.type === 'run-removed') {
      this._runs.remove(change.id);
    } else if (change.type === 'state') {
      const back = change.connected && !this._connected;
      this._connected = change.connected;
      this._problem = change.connected ? null : change.problem;
      if (back) {
        void this.refreshMe();
        void this.refreshKinds();
        void this.refreshSchedules();
      }
    } else if (change.type === 'schedules') {
      void this.refreshSchedules();
    }
    this._tell();
  }

  private _adopt(state: State): void {
    this._connected = state.connected;
    this._problem = state.connected ? null : state.problem;
    this._session = state.session;
    this._user = state.user;
    this._alone = state.alone;
    this._hub = state.hub;
    this._usages.adopt(state.backends);
    this._backends.adopt(state.backends.map(({ history: _, ...backend }) => backend));
    this._knowsRuns = Boolean(state.runs);
    this._runs.adopt(state.runs ?? []);
    void this.refreshMe();
    void this.refreshKinds();
    void this.refreshSchedules();
    this._tell();
  }

  /** Many backends may change at once: what may be had is asked for once. */
  private _askMeSoon(): void {
    clearTimeout(this._meTimer);
    this._meTimer = window.setTimeout(() => void this.refreshMe(), 200);
  }

  private _tell(): void {
    if (this._told) {
      return;
    }
    this._told = true;
    // a timer rather than a frame: frames stop in a tab that nobody sees
    window.setTimeout(() => {
      this._told = false;
      if (!this.isDisposed) {
        this._changed.emit();
      }
    }, 16);
  }

  private readonly _feed: Feed;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _backends = new Shelf<Backend>();
  private readonly _runs = new Shelf<Run>();
  private _knowsRuns = false;
  private readonly _usages = new Usages();
  private _connected = false;
  private _problem: Problem | null = null;
  private _me: Me | null = null;
  private _kinds: Kinds = {};
  private readonly _schedules = new KnownSchedules(
    async () => (await this.source.schedules?.(this._user)) ?? [],
    () => this._tell()
  );
  private _session: string | null = null;
  private _user = '';
  private _alone = false;
  private _hub = '';
  private _told = false;
  private _meTimer = 0;
}
