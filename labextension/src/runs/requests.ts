/** What is asked of the service about runs. */
import type { Service } from '../requests';
import type { Trace, Wanted } from './tracing';
import type { Described, Run, WholeRun, Workflow } from './types';

/** Where a notebook is: as the file browser has it, or by its absolute path. */
export type Notebook = { path: string } | { file: string };

/** Every method may reject with a `Refusal`. */
export class RunRequests {
  constructor(private readonly service: Pick<Service, 'json' | 'file'>) {}

  /** What of a notebook can be set. */
  async describe(notebook: Notebook): Promise<Described> {
    const query = new URLSearchParams({ ...notebook });
    return (await this.service.json('GET', `notebook-parameters?${query}`)) as Described;
  }

  /** What of a notebook travels with a run: all that is executed, in the notebook format. */
  async content(notebook: Notebook): Promise<object> {
    const query = new URLSearchParams({ ...notebook });
    return (await this.service.json('GET', `notebook-content?${query}`)) as object;
  }

  /** The same key gives the same run, however often it is sent. `executor`: who carries it out; ''
   * leaves that to the service. */
  async submit(workflow: Workflow, executor: string, key: string): Promise<Run> {
    const headers = { 'Idempotency-Key': key };
    const body = { workflow, ...(executor && { executor }) };
    const answer = await this.service.json('POST', 'api/runs', body, headers);
    const { workflow: _, ...run } = answer as WholeRun;
    return run; // as events have it
  }

  async get(id: string): Promise<WholeRun> {
    return (await this.service.json('GET', path(id))) as WholeRun;
  }

  async cancel(id: string): Promise<void> {
    await this.service.json('POST', path(id, 'cancel'));
  }

  /** Go on from the steps that have not succeeded. */
  async resume(id: string): Promise<void> {
    await this.service.json('POST', path(id, 'resume'));
  }

  /** Remove it and all that it left. */
  async remove(id: string): Promise<void> {
    await this.service.json('DELETE', path(id));
  }

  /** What explains its results, as a file. */
  async record(id: string): Promise<Blob> {
    return await this.service.file(path(id, 'record'));
  }

  /** The same, to be read here. */
  async crate(id: string): Promise<unknown> {
    return await this.service.json('GET', path(id, 'record'));
  }

  /** What made a file, or what was made of it, by the records of so many runs, newest first. */
  async trace(wanted: Wanted, derived: boolean, limit: number): Promise<Trace> {
    const query = new URLSearchParams({ ...wanted, derived: `${derived}`, limit: `${limit}` });
    const answer = await this.service.file(`trace?${query}`); // files may be large to read
    return JSON.parse(await answer.text());
  }

  /** The executed notebook as a page that stands alone; 0 is the last attempt. */
  async report(id: string, step: string, attempt: number): Promise<Blob> {
    const address = path(id, 'steps', step, 'report');
    return await this.service.file(`${address}?${queryOf({ attempt })}`);
  }

  /** The last lines of what an attempt has printed; 0 is the last attempt. */
  async log(id: string, step: string, attempt: number, tail: number): Promise<string> {
    const query = queryOf({ attempt, tail });
    const address = path(id, 'steps', step, 'log');
    return await (await this.service.file(`${address}?${query}`)).text();
  }

  /** The executed notebook as far as it is now, in the notebook format; 0 is the last attempt. */
  async notebook(id: string, step: string, attempt: number): Promise<unknown> {
    const address = path(id, 'steps', step, 'notebook');
    return await this.service.json('GET', `${address}?${queryOf({ attempt })}`);
  }
}

function path(id: string, ...rest: string[]): string {
  return ['api/runs', ...[id, ...rest].map(encodeURIComponent)].join('/');
}

/** 0 is left out. */
function queryOf(numbers: { [name: string]: number }): URLSearchParams {
  const given = Object.entries(numbers).filter(([, value]) => value > 0);
  return new URLSearchParams(given.map(([name, value]) => [name, `${value}`]));
}
