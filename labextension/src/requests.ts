/** What is asked of the service, through the server extension, which adds the session's token. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';

import type {
  Backend,
  Catalogue,
  Chosen,
  Launch,
  Me,
  NewSchedule,
  Patch,
  Problem,
  Schedule,
  State
} from './model';
import { ENGLISH, type Trans } from './words';

/** Refused, or not answered. Its message is a sentence; `remedy` says what to do. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = 'Refusal';
  }

  get remedy(): string {
    return this.problem.remedy;
  }

  get status(): number {
    return this.problem.status ?? 0;
  }
}

/** What went wrong, as a sentence and a remedy. */
export function problemOf(error: unknown, trans: Trans): Problem {
  return error instanceof Refusal
    ? error.problem
    : { detail: trans.__('Something unexpected happened.'), remedy: trans.__('Try again.') };
}

/** Milliseconds after which a request counts as not answered. */
const PATIENCE = 30_000;
/** The same for a file, which may be large. */
const LONG = 300_000;

/** The service, as this session's server extension forwards to it. Every method may reject with a
 * `Refusal`. */
export class Service {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings(),
    private readonly trans: Trans = ENGLISH
  ) {}

  /** The URL of something below `alongside/` on this session's server. */
  url(...parts: string[]): string {
    return URLExt.join(this.settings.baseUrl, 'alongside', ...parts);
  }

  async state(): Promise<State> {
    return (await this.json('GET', 'state')) as State;
  }

  /** `session`: the one whose end is wanted, by its name. */
  async me(session: string | null = null): Promise<Me> {
    const query = session === null ? '' : `?${new URLSearchParams({ session })}`;
    return (await this.json('GET', `api/me${query}`)) as Me;
  }

  /** Have the session count as used now. */
  async use(): Promise<void> {
    const url = URLExt.join(this.settings.baseUrl, 'api/me');
    await this.request(url, { signal: AbortSignal.timeout(PATIENCE) });
  }

  async catalogue(): Promise<Catalogue> {
    return (await this.json('GET', 'api/catalogue')) as Catalogue;
  }

  /** Check what would be launched, without launching it: what it would count for. */
  async check(profile: string, backend: Launch): Promise<Chosen> {
    const { kind, name, options, lifetime, keep } = backend;
    const body = { profile, backend: { kind, name, options, lifetime, keep } };
    return (await this.json('POST', 'api/spawn-options', body)) as Chosen;
  }

  /** The same key gives the same backend, however often it is sent. */
  async launch(body: Launch, key: string = UUID.uuid4()): Promise<Backend> {
    const headers = { 'Idempotency-Key': key };
    return (await this.json('POST', 'api/backends', body, headers)) as Backend;
  }

  async change(id: string, patch: Patch): Promise<Backend> {
    return (await this.json('PATCH', `api/backends/${encodeURIComponent(id)}`, patch)) as Backend;
  }

  /** End it. One that has ended already is no error. `leaving`: the page goes away meanwhile. */
  async stop(id: string, leaving = false): Promise<void> {
    try {
      const path = `api/backends/${encodeURIComponent(id)}`;
      await this.json('DELETE', path, undefined, {}, leaving);
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) {
        throw error;
      }
    }
  }

  /** The schedules of this user. */
  async schedules(user: string): Promise<Schedule[]> {
    const query = new URLSearchParams({ owner: user });
    return (await this.json('GET', `api/schedules?${query}`)) as Schedule[];
  }

  /** Have a backend come and go by the clock. The same key makes it once. */
  async schedule(body: NewSchedule, key: string = UUID.uuid4()): Promise<Schedule> {
    const headers = { 'Idempotency-Key': key };
    return (await this.json('POST', 'api/schedules', body, headers)) as Schedule;
  }

  /** Start nothing for now, or start again. */
  async suspend(id: string, suspended: boolean): Promise<void> {
    await this.json('PATCH', `api/schedules/${encodeURIComponent(id)}`, { suspended });
  }

  /** Start nothing any more; what runs goes on, unless `stop`. */
  async unschedule(id: string, stop: boolean): Promise<void> {
    await this.json('DELETE', `api/schedules/${encodeURIComponent(id)}?stop=${stop}`);
  }

  /** Say that the pages of somebody else's backend may be shown on this session's address. */
  async trust(id: string): Promise<void> {
    await this.json('POST', `backends/${encodeURIComponent(id)}/trust`);
  }

  /** The lines of one role's log as they come, until it ends or `signal` is aborted. */
  async *logs(
    id: string,
    role: string,
    options: { lines?: number; follow?: boolean; signal?: AbortSignal } = {}
  ): AsyncGenerator<string[]> {
    const { lines = 500, follow = false, signal } = options;
    const query = new URLSearchParams({ role, lines: `${lines}`, follow: `${follow}` });
    const path = `api/backends/${encodeURIComponent(id)}/logs?${query}`;
    // a log that is followed ends when it ends
    const response = await this.request(this.url(path), { signal: signal ?? null });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    try {
      let rest = '';
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        const parts = (rest + (value ?? '')).split('\n');
        rest = parts.pop() ?? '';
        if (parts.length > 0) {
          yield parts;
        }
        if (done) {
          if (rest) {
            yield [rest];
          }
          return;
        }
      }
    } finally {
      reader?.cancel().catch(() => undefined); // it may have broken off by itself
    }
  }

  /** The JSON that something below `alongside/` answers; null for no content. */
  async json(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    keepalive = false
  ): Promise<unknown> {
    const signal = AbortSignal.timeout(PATIENCE);
    const init: RequestInit = { method, headers, signal, keepalive };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { ...headers, 'Content-Type': 'application/json' };
    }
    const response = await this.request(this.url(path), init);
    return response.status === 204 ? null : await response.json();
  }

  /** A file that something below `alongside/` answers. */
  async file(path: string): Promise<Blob> {
    const signal = AbortSignal.timeout(LONG);
    return await (await this.request(this.url(path), { signal })).blob();
  }

  /** The good answer of something on this session's server. */
  private async request(url: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      throw new Refusal({
        detail: this.trans.__('The session does not answer.'),
        remedy: this.trans.__('Check your connection, or whether the session still runs.')
      });
    }
    if (!response.ok) {
      throw new Refusal(await refused(response, this.trans));
    }
    return response;
  }
}

async function refused(response: Response, trans: Trans): Promise<Problem> {
  try {
    const found = (await response.json()) as Partial<Problem> & { message?: string };
    if (found.detail) {
      return { remedy: '', ...found, detail: found.detail, status: response.status };
    }
    if (found.message) {
      return { detail: found.message, remedy: '', status: response.status };
    }
  } catch {
    // not JSON: told below
  }
  const { status, statusText } = response;
  const detail = trans.__('The session answered %1.', `${status} ${statusText}`.trim());
  return { detail, remedy: trans.__('Try again; if it stays, reload the page.'), status };
}
