/** What can be done with a backend now, and why not. Pure; the service decides in the end. */
import { type Backend, ended, usable } from '../model';
import type { Trans } from '../words';
import type { Actions } from './actions';
import type { BackendCardProps } from './props';

export type Act = Exclude<keyof Actions, 'undo' | 'callOff' | 'noted'>;

export type Situation = Pick<
  BackendCardProps,
  'user' | 'groups' | 'admin' | 'busy' | 'blocked' | 'trans'
>;

/** Whether it belongs to who looks at it. */
export function owns(backend: Backend, user: string): boolean {
  return user === '' || backend.owner === user;
}

/** Whether it is shared with who looks at it, and whether so that they may connect. */
export function sharedWith(
  backend: Backend,
  { user, groups }: Pick<Situation, 'user' | 'groups'>
): 'attach' | 'read' | null {
  // whoever can see another's backend without being named is in one of its groups
  const mine = backend.shares.filter(share =>
    share.user ? share.user === user : share.group && (groups?.includes(share.group) ?? true)
  );
  if (mine.some(({ access }) => access === 'attach')) {
    return 'attach';
  }
  return mine.length > 0 ? 'read' : null;
}

/** Why this can't be done now, as a sentence; '' when it can. */
export function whyNot(act: Act, backend: Backend, situation: Situation): string {
  const { busy, blocked, trans } = situation;
  if (act === 'copy') {
    return '';
  }
  const forbidden = whyForbidden(act, backend, situation);
  if (forbidden) {
    return forbidden;
  }
  if (blocked) {
    return blocked;
  }
  if (busy && act !== 'logs') {
    return trans.__('A change of it is on its way.');
  }
  return whyNotYet(act, backend, trans);
}

function whyForbidden(act: Act, backend: Backend, situation: Situation): string {
  const { user, admin, trans } = situation;
  if (owns(backend, user) || act === 'logs') {
    return '';
  }
  if (act === 'attach' || act === 'dashboard') {
    return sharedWith(backend, situation) === 'attach'
      ? ''
      : trans.__('You may only look at it. Ask %1 to let you attach.', backend.owner);
  }
  if (admin && (act === 'stop' || act === 'dismiss')) {
    return '';
  }
  return trans.__('It belongs to %1, who alone can do this.', backend.owner);
}

function whyNotYet(act: Act, backend: Backend, trans: Trans): string {
  switch (act) {
    case 'attach':
    case 'dashboard':
    case 'scale':
    case 'pause':
      return usable(backend) ? '' : whyNotUsable(backend, trans);
    case 'logs':
      return backend.roles.length > 0 ? '' : trans.__('There are no logs yet.');
    case 'stop':
      return backend.phase === 'stopping' ? trans.__('It is stopping already.') : gone();
    case 'retry':
    case 'dismiss':
      return ended(backend) ? '' : trans.__('It has not ended.');
    default:
      return backend.phase === 'stopping' ? trans.__('It is stopping.') : gone();
  }
  function gone(): string {
    return ended(backend) ? trans.__('It has ended.') : '';
  }
}

function whyNotUsable(backend: Backend, trans: Trans): string {
  if (ended(backend)) {
    return trans.__('It has ended.');
  }
  return backend.phase === 'stopping'
    ? trans.__('It is stopping.')
    : trans.__('Wait until it is running.');
}
