/** The dialogs. What they are made of is loaded when one is opened first. */
import type { Backend } from '../model';
import type { Relaunches } from '../relaunch/relaunches';
import type { RunDialogOptions } from '../runs/RunDialog';
import type { Run } from '../runs/types';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { Wish } from './choice';

/** Ask what to launch, and launch it; null when it was cancelled. */
export async function launchDialog(
  alongside: IAlongside,
  trans: Trans,
  wish: Wish = {}
): Promise<Backend | null> {
  const { openLaunch } = await import('./Launch');
  return await openLaunch(alongside, trans, wish);
}

/** Ask for another size of a backend, with `members` filled in; null when it was cancelled. */
export async function scaleDialog(
  alongside: IAlongside,
  trans: Trans,
  id: string,
  members?: number,
  relaunches: Relaunches | null = null
): Promise<Backend | null> {
  const { openScale } = await import('./Scale');
  return await openScale(alongside, trans, id, members, relaunches);
}

/** Ask with whom to share a backend; null when it was cancelled. */
export async function shareDialog(
  alongside: IAlongside,
  trans: Trans,
  id: string
): Promise<Backend | null> {
  const { openShare } = await import('./Share');
  return await openShare(alongside, trans, id);
}

/** Ask for other lifetimes of a backend; null when it was cancelled. */
export async function extendDialog(
  alongside: IAlongside,
  trans: Trans,
  id: string
): Promise<Backend | null> {
  const { openExtend } = await import('./Extend');
  return await openExtend(alongside, trans, id);
}

/** Ask how to run a notebook, and run it; null when it was cancelled. */
export async function runDialog(
  alongside: IAlongside,
  trans: Trans,
  options: RunDialogOptions
): Promise<Run | null> {
  const { openRun } = await import('../runs/RunDialog');
  return await openRun(alongside, trans, options);
}
