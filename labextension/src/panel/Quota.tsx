/** How much of what may be had is used. */
import { memo } from 'react';

import { Meter } from '../components/Meter';
import type { Me } from '../model';
import type { Trans } from '../words';
import { bars } from './quotas';

export const Quota = memo(function Quota({ me, trans }: { me: Me; trans: Trans }) {
  const found = bars(me, trans);
  return found.length > 0 ? (
    <section className="alongside-Quota" aria-label={trans.__('What you use of what you may')}>
      {found.map(bar => (
        <Meter key={bar.name} {...bar} />
      ))}
    </section>
  ) : null;
});
