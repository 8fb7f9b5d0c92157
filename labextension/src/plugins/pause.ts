/** A backend put away with what a notebook has in it. */
import { InputDialog, Notification } from '@jupyterlab/apputils';
import { pauseCode } from '../code';
import type { Backend } from '../model';
import type { Attached, Relaunches } from '../relaunch/relaunches';
import type { Trans } from '../words';
import { Obstacle } from './complaints';

/** Have an attached notebook save what it has in it, and end it. How that goes is on its card. */
export async function putAway(
  { id, name }: Backend,
  relaunches: Relaunches,
  trans: Trans
): Promise<void> {
  const attached = relaunches.attached(id);
  if (attached.length === 0) {
    throw new Obstacle(
      trans.__('No notebook is attached to “%1”, so nothing in it can be saved.', name),
      trans.__('Attach the notebook that uses it, or stop it.')
    );
  }
  const one = attached.length === 1 ? attached[0] : await chosen(attached, name, trans);
  if (!one) {
    return;
  }
  const { end, message } = await relaunches.run(id, one.kernel, pauseCode(id));
  if (end === 'done') {
    Notification.success(message, { autoClose: false });
  }
}

/** Only one notebook's data can be saved: whose? */
async function chosen(
  attached: readonly Attached[],
  name: string,
  trans: Trans
): Promise<Attached | undefined> {
  const { button, value } = await InputDialog.getItem({
    title: trans.__('Save and stop %1', name),
    label: trans.__('Several notebooks are attached, and only what one has in it is saved:'),
    okLabel: trans.__('Save and stop'),
    items: attached.map(({ path }) => path)
  });
  return button.accept ? attached.find(({ path }) => path === value) : undefined;
}
