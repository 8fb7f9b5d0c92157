/** Changes of size that are under way in kernels. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Problem } from '../model';
import type { Trans } from '../words';
import { advance, BEGINNING, cancellable, Lines, type Progress } from './progress';

/** A kernel that is attached to a backend. */
export interface Attached {
  kernel: string;
  /** Path of its notebook or console. */
  path: string;
}

/** How kernels are reached. */
export interface Kernels {
  /** Those that run and are attached to a backend, as far as it is known here; the one that was
   * used last comes first. */
  attached(backend: string): Attached[];
  /** Which are attached, or run, is different. */
  readonly changed: ISignal<unknown, unknown>;
  /** Run code once the kernel is free, and hear what it prints. Null when it ended without an
   * error. */
  execute(
    kernel: string,
    code: string,
    hear: (text: string) => void,
    signal: AbortSignal
  ): Promise<Problem | null>;
  /** It is connected no more. */
  forget(kernel: string): void;
  /** Break off what it runs. */
  interrupt(kernel: string): Promise<void>;
}

/** One place for all changes of size, so that dialog and cards show the same one. */
export class Relaunches implements IDisposable {
  constructor(
    private readonly kernels: Kernels,
    private readonly trans: Trans
  ) {
    kernels.changed.connect(() => this._changed.emit());
  }

  /** How far one is, or which kernels are attached, is different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  attached(backend: string): Attached[] {
    return this.kernels.attached(backend);
  }

  /** How far it is; undefined when nothing is under way and nothing is to be told. */
  of(backend: string): Progress | undefined {
    return this._running.get(backend)?.progress;
  }

  /** Whether one is under way. */
  busy(backend: string): boolean {
    const progress = this.of(backend);
    return progress !== undefined && !progress.end;
  }

  /** These kernels have lost their connection by a new start. */
  detached(kernels: readonly string[]): void {
    for (const kernel of kernels) {
      this.kernels.forget(kernel);
    }
  }

  /** Run code that saves, relaunches and restores; how it ended. */
  async run(backend: string, kernel: string, code: string): Promise<Progress> {
    const { trans } = this;
    const calledOff = new AbortController();
    const one: Running = { kernel, progress: BEGINNING, calledOff };
    this._running.set(backend, one);
    this._changed.emit();
    const lines = new Lines();
    const hear = (text: string) => {
      for (const line of lines.take(text)) {
        this._put(backend, one, advance(one.progress, line));
      }
    };
    let problem: Problem | null;
    try {
      problem = await this.kernels.execute(kernel, code, hear, calledOff.signal);
    } catch {
      problem = {
        detail: trans.__('The notebook’s kernel has ended or restarted meanwhile.'),
        remedy: cancellable(one.progress)
          ? trans.__('Nothing was changed. Attach again, and try again.')
          : trans.__('What was saved is still in its files; the notebook’s log says where.')
      };
    }
    hear('\n');
    const { end, step } = one.progress;
    // called off at the last moment, it may have gone on nevertheless
    const early = cancellable({ ...one.progress, end: '' });
    if (calledOff.signal.aborted && early && end !== 'done') {
      const message = trans.__('Called off; nothing was changed.');
      this._put(backend, one, { ...one.progress, end: 'cancelled', message, remedy: '' });
    } else if (!end) {
      const silent = { detail: trans.__('The kernel did not say how it went.'), remedy: '' };
      const { detail, remedy } = problem ?? silent;
      this._put(backend, one, { ...one.progress, step, end: 'failed', message: detail, remedy });
    }
    if (one.progress.end !== 'failed') {
      this.forget(backend); // a failure stays until somebody has taken note of it
    }
    return one.progress;
  }

  /** Call it off, as long as nothing has been stopped; false when it is too late. */
  cancel(backend: string): boolean {
    const one = this._running.get(backend);
    if (!one || !cancellable(one.progress)) {
      return false;
    }
    one.calledOff.abort();
    if (one.progress.step !== 'waiting') {
      // an error would be told by how it ends
      this.kernels.interrupt(one.kernel).catch(() => undefined);
    }
    return true;
  }

  /** What has ended needs no telling any more. */
  forget(backend: string): void {
    if (!this.busy(backend) && this._running.delete(backend)) {
      this._changed.emit();
    }
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    Signal.clearData(this);
  }

  private _put(backend: string, one: Running, progress: Progress): void {
    if (progress !== one.progress) {
      one.progress = progress;
      if (this._running.get(backend) === one) {
        this._changed.emit();
      }
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _running = new Map<string, Running>();
  private _disposed = false;
}

interface Running {
  kernel: string;
  progress: Progress;
  calledOff: AbortController;
}
