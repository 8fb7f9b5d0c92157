/** The end of the session itself, told in time. */
import type { JupyterFrontEnd } from '@jupyterlab/application';

import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { Alarms } from './alarms';
import type { Item } from './news';

export function followSession(
  _app: JupyterFrontEnd,
  _alongside: IAlongside,
  _alarms: Alarms,
  _put: (key: string, item: Item | null) => void,
  _trans: Trans
): void {}
