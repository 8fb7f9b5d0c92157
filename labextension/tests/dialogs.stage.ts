/** A stage for the dialogs: the real store and dialogs, and a service that answers from memory.
 *
 * What is on offer is the real service's answer for the catalogue in `deploy/local`; a test of the
 * service sees to it that it still is. */
import type { ServerConnection } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import type {
  Backend,
  Catalogue,
  Change,
  Chosen,
  Launch,
  Me,
  NewSchedule,
  Patch,
  Schedule,
  State
} from '../src/model';
import { Refusal, Service } from '../src/requests';
import { Store } from '../src/store';
import offers from './dialogs.offers.json';
import { scheduleOf } from './schedules.stage';

export const CATALOGUE = offers.catalogue as unknown as Catalogue;

export function backendOf(over: Partial<Backend> = {}): Backend {
  const backend = { ...(offers.backend as unknown as Backend), phase: 'running' as const };
  return { ...backend, session: '', ...over };
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

export function refusal(status: number, over: object = {}): Refusal {
  return new Refusal({ status, detail: 'It is refused.', remedy: 'Do better.', ...over });
}

/** Answers like the service, from memory. */
export class MemoryService extends Service {
  constructor() {
    super({} as ServerConnection.ISettings);
  }

  me_ = copy(offers.me) as unknown as Me;
  backends: Backend[] = [];
  launched: { body: Launch; key: string }[] = [];
  changed: { id: string; patch: Patch }[] = [];
  checked: Launch[] = [];
  scheduled: Schedule[] = [];
  schedulings: { body: NewSchedule; key: string }[] = [];
  onSchedule: (body: NewSchedule) => Promise<Schedule> = async ({ name }) => scheduleOf({ name });
  catalogue_: () => Promise<Catalogue> = async () => CATALOGUE;
  onLaunch: (body: Launch) => Promise<Backend> = async body =>
    backendOf({ id: 'new', name: body.name ?? 'dask' });
  onCheck: (body: Launch) => Promise<Chosen> = async () => ({}) as Chosen;
  onChange: (patch: Patch) => Promise<Backend> = async patch =>
    ({ ...this.backends[0], ...patch }) as Backend;

  override async state(): Promise<State> {
    return {
      epoch: 'e',
      sequence: 0,
      connected: true,
      problem: null,
      session: '',
      user: 'ada',
      alone: false,
      hub: '/hub/',
      backends: this.backends.map(one => ({ ...one, history: [] }))
    };
  }

  override async me(): Promise<Me> {
    return copy(this.me_);
  }

  override catalogue(): Promise<Catalogue> {
    return this.catalogue_();
  }

  override check(_: string, body: Launch): Promise<Chosen> {
    this.checked.push(body);
    return this.onCheck(body);
  }

  override launch(body: Launch, key = ''): Promise<Backend> {
    this.launched.push({ body, key });
    return this.onLaunch(body);
  }

  override async schedules(): Promise<Schedule[]> {
    return [...this.scheduled];
  }

  override async schedule(body: NewSchedule, key = ''): Promise<Schedule> {
    const found = await this.onSchedule(body);
    this.schedulings.push({ body, key });
    this.scheduled.push(found);
    return found;
  }

  override change(id: string, patch: Patch): Promise<Backend> {
    this.changed.push({ id, patch });
    return this.onChange(patch);
  }
}

/** A store over a service in memory, and a way to send events. */
export async function stage(backends: Backend[] = []) {
  const service = new MemoryService();
  service.backends = backends;
  const events = new Signal<object, Change>({});
  const store = new Store(service, events);
  await store.ready;
  await store.refreshMe();
  let sequence = 0;
  const emit = (change: object) =>
    events.emit({ epoch: 'e', sequence: ++sequence, ...change } as Change);
  return { service, store, emit };
}
