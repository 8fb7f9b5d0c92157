/** The dialogs that commands open. */
import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { Obstacle } from './complaints';

type Dialog = (
  alongside: IAlongside,
  trans: Trans,
  id: string,
  members?: number
) => Promise<unknown>;

export interface Dialogs {
  launchDialog(alongside: IAlongside, trans: Trans, args?: object): Promise<Backend | null>;
  scaleDialog: Dialog;
  shareDialog: Dialog;
  extendDialog: Dialog;
}

export async function dialogs(trans: Trans): Promise<Dialogs> {
  throw new Obstacle(trans.__('There is no such dialog yet.'), '');
}
