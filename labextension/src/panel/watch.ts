/** What the panel asks for besides what its store knows. */
import { useEffect, useState } from 'react';

import type { PanelContext } from './context';

/** Why the newest edit of the catalogue is not in use, asked for anew whenever the panel is shown
 * or the service is back; '' where there is nothing to say. */
export function useCatalogueProblem(
  { service }: PanelContext['alongside'],
  active: boolean
): string {
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let current = active;
    if (active) {
      service.catalogue().then(
        found => current && setProblem(found.problem),
        () => undefined // the panel says already that the service doesn't answer
      );
    }
    return () => {
      current = false;
    };
  }, [service, active]);
  return problem;
}
