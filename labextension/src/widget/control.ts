/** One backend as a kernel's widget tells of it, and what its buttons ask the kernel for. */
import type { AnyModel } from '@anywidget/types';

import type { Actions } from '../components/actions';
import type { Kind } from '../kinds';
import type { Backend, Problem } from '../model';
import type { Told } from '../relaunch/progress';
import { ENGLISH } from '../words';
import { dashboardUrl } from './dashboard';

/** What the kernel says of who looks at it. */
export interface About {
  user: string;
  session: string | null;
  /** The dashboard's URL, or its path in the hub's pages. */
  dashboard: string;
  /** Whether the session's own server knows the backend. */
  own: boolean;
  /** What its kind is called; absent from what an older kernel's library says. */
  kind?: Kind;
}

/** What a notebook may be saved with. Comes from a file, so it may be anything. */
export interface Saved {
  view: Backend;
  problem: Problem | null;
  about: About;
  /** How far a change of size is that starts it again; empty when there is none. */
  progress?: Partial<Told> | undefined;
}

/** All that is shown. What hasn't changed is the same object as before. */
export interface Shown extends Saved {
  /** A command is on its way. */
  busy: boolean;
  /** Why nothing can be asked for now; '' when something can. */
  blocked: string;
  /** Why the last command wasn't carried out. */
  refusal: Problem | null;
  /** Whether it is asked for another size. */
  resizing: boolean;
  /** When a stop that can still be undone is sent: milliseconds since 1970. */
  stopsAt: number | undefined;
}

/** Milliseconds in which a stop can be undone. */
export const UNDO = 5_000;
/** Milliseconds after which the kernel counts as gone. */
export const PATIENCE = 10_000;
/** Milliseconds that the service has for a command, and a little more. */
const COMMAND = 35_000;

type Command = 'hello' | 'scale' | 'stop' | 'keep' | 'extend';

/** One for each model, so that a backend that is shown twice is one. */
export class Control {
  readonly actions: Actions;
  private shown: Shown;
  private readonly listeners = new Set<() => void>();
  private readonly waiting = new Map<number, (problem: Problem | null) => void>();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private stopping: ReturnType<typeof setTimeout> | undefined;
  private requests = 0;

  constructor(private readonly model: AnyModel<Saved>) {
    this.shown = {
      ...this.saved(),
      busy: false,
      blocked: '',
      refusal: null,
      resizing: false,
      stopsAt: undefined
    };
    this.actions = this.makeActions();
    for (const name of ['view', 'problem', 'about', 'progress'] as const) {
      model.on(`change:${name}`, this.changed);
    }
    model.on('msg:custom', this.answered);
    model.on('comm_live_update', this.greet);
    window.addEventListener('pagehide', this.sendStop);
    void this.greet();
  }

  dispose(): void {
    for (const name of ['view', 'problem', 'about', 'progress'] as const) {
      this.model.off(`change:${name}`, this.changed);
    }
    this.sendStop();
    window.removeEventListener('pagehide', this.sendStop);
    this.model.off('msg:custom', this.answered);
    this.model.off('comm_live_update', this.greet);
    this.timers.forEach(clearTimeout);
    this.timers.clear();
    this.listeners.clear();
  }

  /** What is shown now. */
  readonly current = (): Shown => this.shown;

  /** Tell when it is different; returns how to end that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly dismissRefusal = (): void => this.show({ refusal: null });

  /** Give it another size by a new start. */
  readonly resize = (members: number, discard: boolean): void => {
    this.show({ resizing: false });
    void this.command('scale', members, { discard });
  };

  readonly keepSize = (): void => this.show({ resizing: false });

  private saved(): Saved {
    const { model } = this;
    return {
      view: model.get('view'),
      problem: told(model.get('problem')),
      about: model.get('about'),
      progress: model.get('progress')
    };
  }

  private makeActions(): Actions {
    const actions: Actions = {
      scale: (_, members) => {
        if (members === undefined) {
          this.show({ resizing: true });
        } else {
          void this.command('scale', members);
        }
      },
      noted: () => this.show({ progress: undefined }),
      extend: () => void this.command('extend'),
      keep: (_, keep) => void this.command('keep', keep),
      stop: () => {
        clearTimeout(this.stopping);
        this.stopping = setTimeout(this.sendStop, UNDO);
        this.show({ stopsAt: Date.now() + UNDO, refusal: null });
      },
      undo: () => {
        clearTimeout(this.stopping);
        this.show({ stopsAt: undefined });
      }
    };
    const { about, view } = this.shown;
    const url = view && about ? dashboardUrl(about, view.id, document, location) : null;
    if (url) {
      actions.dashboard = (_, page = 'status') => {
        window.open(new URL(page, url).href, '_blank', 'noopener');
      };
    }
    return actions;
  }

  /** Also when the page goes away: who pressed Stop had decided. */
  private readonly sendStop = (): void => {
    clearTimeout(this.stopping);
    if (this.shown.stopsAt !== undefined) {
      this.show({ stopsAt: undefined });
      void this.command('stop');
    }
  };

  private async command(
    name: Command,
    value?: number | boolean,
    more: { discard?: boolean } = {}
  ): Promise<void> {
    this.show({ busy: true, refusal: null });
    const refusal = await this.ask(name, value, COMMAND, more);
    this.show({ busy: false, refusal });
  }

  /** Resolves with what went wrong, null when nothing did. */
  private ask(
    name: Command,
    value: unknown,
    patience: number,
    more: object = {}
  ): Promise<Problem | null> {
    const request = ++this.requests;
    return new Promise(resolve => {
      const done = (problem: Problem | null) => {
        clearTimeout(timer);
        this.timers.delete(timer);
        this.waiting.delete(request);
        resolve(problem);
      };
      const timer = setTimeout(() => done(SILENT), patience);
      this.timers.add(timer);
      this.waiting.set(request, done);
      try {
        this.model.send({ request, do: name, value: value ?? null, ...more });
      } catch {
        done(SILENT); // its connection is closed
      }
    });
  }

  /** Find out whether there is a kernel behind it: a saved notebook has none. */
  private readonly greet = async (): Promise<void> => {
    if ((await this.ask('hello', null, PATIENCE)) === SILENT) {
      this.show({ blocked: `${SILENT.detail} ${SILENT.remedy}` });
    }
  };

  private readonly changed = (): void => {
    this.show({ ...this.saved(), blocked: '' });
  };

  private readonly answered = (message: { answer?: number; problem?: Problem | null }): void => {
    const done = this.waiting.get(message?.answer ?? 0);
    if (this.shown.blocked) {
      this.show({ blocked: '' });
    }
    done?.(message.problem ?? null);
  };

  private show(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    this.listeners.forEach(listener => {
      listener();
    });
  }
}

/** The kernel sends an empty document for none. */
function told(problem: Partial<Problem> | null | undefined): Problem | null {
  return problem?.detail ? { remedy: '', ...problem, detail: problem.detail } : null;
}

const SILENT: Problem = {
  detail: ENGLISH.__('The kernel does not answer: this is how it was last seen.'),
  remedy: ENGLISH.__('Run the cell again.')
};
