/** The buttons of a card: the most wanted in a row, the rest in a menu. */
import { capital, type Kind, plural } from '../kinds';
import { type Backend, ended } from '../model';
import { formatDuration, parseDuration } from '../words';
import { Button } from './Button';
import { ending } from './lifetime';
import { Menu, type MenuItem } from './Menu';
import { pagesOf } from './pages';
import { type Act, owns, whyNot } from './permissions';
import type { BackendCardProps } from './props';
import { Stepper } from './Stepper';

/** A button each for what can be done, in the order of reading. */
export function CardButtons(props: BackendCardProps) {
  const { backend, actions, trans, density } = props;
  const why = (act: Act) => whyNot(act, backend, props);
  const items = menuItems(props, why);
  const over = ended(backend);
  const small = density === 'widget';
  const mine = owns(backend, props.user);
  const pages = pagesOf(backend.kind, trans);
  return (
    <div className="alongside-Card-buttons">
      {over && mine && actions.retry && (
        <Button onPress={() => actions.retry?.(backend)} reason={why('retry')}>
          {backend.phase === 'failed' ? trans.__('Change and retry') : trans.__('Launch again')}
        </Button>
      )}
      {!over && actions.attach && (
        <Button
          onPress={() => actions.attach?.(backend)}
          reason={why('attach')}
          title={trans.__('Connect the current notebook to it')}
        >
          {trans.__('Attach')}
        </Button>
      )}
      {!over && mine && actions.scale && <Scale {...props} why={why} />}
      {!over && actions.dashboard && pages.length > 0 && (
        <Menu
          label={trans.__('Dashboards of %1', backend.name)}
          reason={why('dashboard')}
          items={pages.map(({ page, title, help }) => ({
            label: title,
            title: help,
            run: () => actions.dashboard?.(backend, page)
          }))}
        >
          {small ? trans.__('Dashboard') : trans.__('Dashboards')} ▾
        </Menu>
      )}
      {actions.logs && (over || (!small && backend.phase !== 'scaling')) && (
        <Button onPress={() => actions.logs?.(backend)} reason={why('logs')}>
          {trans.__('Logs')}
        </Button>
      )}
      {over && actions.dismiss && (
        <Button onPress={() => actions.dismiss?.(backend)} reason={why('dismiss')}>
          {trans.__('Dismiss')}
        </Button>
      )}
      {!over && small && mine && actions.stop && (
        <Button onPress={() => actions.stop?.(backend)} reason={why('stop')}>
          {trans.__('Stop')}
        </Button>
      )}
      {items.length > 0 && (
        <Menu label={trans.__('More about %1', backend.name)} items={items} variant="quiet">
          ⋯
        </Menu>
      )}
    </div>
  );
}

interface ScaleProps extends BackendCardProps {
  why: (act: Act) => string;
}

/** Whether it waits for more members than there are, so that one may go on with what is there. */
function waitsForMore({ phase, ready, wanted, options }: Backend, { scaling }: Kind): boolean {
  const partly = ready > 0 && ready < wanted;
  return phase === 'scaling' && partly && !options.adaptive && scaling === 'live';
}

function Scale({ backend, kind, actions, density, trans, why }: ScaleProps) {
  const { ready, wanted, options } = backend;
  const members = plural(kind.member, 2);
  if (density === 'widget' && kind.scaling === 'live' && !options.adaptive) {
    const count = options[members];
    return (
      <Stepper
        name={capital(members)}
        value={typeof count === 'number' ? count : wanted}
        least={1}
        onChange={size => actions.scale?.(backend, size)}
        reason={why('scale')}
        trans={trans}
      />
    );
  }
  return waitsForMore(backend, kind) ? (
    <Button
      onPress={() => actions.scale?.(backend, ready)}
      reason={why('scale')}
      title={trans.__('Go on with the %1 that are there, without waiting for more', members)}
    >
      {trans.__('Keep %1', ready)}
    </Button>
  ) : (
    <Button onPress={() => actions.scale?.(backend)} reason={why('scale')}>
      {trans.__('Scale…')}
    </Button>
  );
}

/** What the ⋯ menu holds. */
function menuItems(props: BackendCardProps, why: (act: Act) => string): MenuItem[] {
  const { backend, kind, actions, trans, user, density } = props;
  const items: MenuItem[] = [];
  const add = (act: Act, label: string, run: () => void, more: Partial<MenuItem> = {}) => {
    if (actions[act]) {
      items.push({ label, run, reason: why(act), ...more });
    }
  };
  const over = ended(backend);
  const mine = owns(backend, user);
  if (!over && (density === 'widget' || backend.phase === 'scaling')) {
    add('logs', trans.__('Logs'), () => actions.logs?.(backend));
  }
  if (mine && density !== 'widget' && waitsForMore(backend, kind)) {
    add('scale', trans.__('Scale…'), () => actions.scale?.(backend));
  }
  if (!over && mine) {
    add('share', trans.__('Share…'), () => actions.share?.(backend));
    if (backend.session !== null) {
      const label = backend.keep ? trans.__("Don't keep it") : trans.__('Keep it');
      const title = backend.keep
        ? trans.__('Let it end when its session ends')
        : trans.__('Let it go on when its session ends');
      add('keep', label, () => actions.keep?.(backend, !backend.keep), { title });
    }
    add('extend', extendText(props), () => actions.extend?.(backend));
    if (kind.scaling === 'relaunch') {
      add('pause', trans.__('Save and stop'), () => actions.pause?.(backend), {
        title: trans.__('Put it away with what the notebook has in it, to go on another time')
      });
    }
  }
  if (!over) {
    const apart = items.length > 0;
    add('copy', trans.__('Copy Python'), () => actions.copy?.(backend, 'python'), {
      apart,
      title: trans.__('Code that does the same in a notebook')
    });
    add('copy', trans.__('Copy command'), () => actions.copy?.(backend, 'shell'), {
      title: trans.__('A command that does the same in a terminal')
    });
  }
  if (!over && density !== 'widget' && (mine || props.admin)) {
    const apart = items.length > 0;
    add('stop', trans.__('Stop'), () => actions.stop?.(backend), { apart, danger: true });
  }
  return items;
}

export function extendText({ backend, trans }: BackendCardProps): string {
  return ending(backend)?.idle
    ? trans.__('Keep for %1', formatDuration(parseDuration(backend.lifetime.idle ?? '')))
    : trans.__('More time…');
}
