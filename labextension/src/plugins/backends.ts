/** The backends, for all other plugins. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Event } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { type Change, SCHEMA } from '../model';
import { Service } from '../requests';
import { Store } from '../store';
import { DOMAIN, IAlongside } from '../tokens';

export const backends: JupyterFrontEndPlugin<IAlongside> = {
  id: 'jupyterhub-alongside:backends',
  description: 'Keeps the list of backends up to date.',
  autoStart: true,
  provides: IAlongside,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): IAlongside => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { serverSettings, events } = app.serviceManager;
    const service = new Service(serverSettings, trans);
    const changes = new Signal<object, Change>({});
    events.stream.connect((_: unknown, emission: Event.Emission) => {
      if (emission.schema_id === SCHEMA) {
        changes.emit(emission as unknown as Change);
      }
    });
    return { service, store: new Store(service, changes, trans) };
  }
};
