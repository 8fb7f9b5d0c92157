/** The pages of a backend's dashboard that are worth a tab, by kind. */
import type { Trans } from '../words';

export interface Page {
  /** Its path below the dashboard. */
  page: string;
  title: string;
  /** What it shows. */
  help: string;
}

/** In the order in which they are mostly wanted; empty for a kind without a dashboard. */
export function pagesOf(kind: string, trans: Trans): Page[] {
  return PAGES[kind]?.(trans) ?? [];
}

/** Those of all kinds. */
export function everyPage(trans: Trans): Page[] {
  return Object.values(PAGES).flatMap(pages => pages(trans));
}

const PAGES: Record<string, (trans: Trans) => Page[]> = { dask: daskPages };

function daskPages(trans: Trans): Page[] {
  return [
    {
      page: 'status',
      title: trans.__('Status'),
      help: trans.__('Memory, tasks and progress on one page')
    },
    {
      page: 'individual-task-stream',
      title: trans.__('Task stream'),
      help: trans.__('Which worker did what when')
    },
    {
      page: 'individual-progress',
      title: trans.__('Progress'),
      help: trans.__('How far each group of tasks is')
    },
    {
      page: 'individual-workers',
      title: trans.__('Workers'),
      help: trans.__('CPU, memory and network of each worker')
    },
    {
      page: 'individual-workers-memory',
      title: trans.__('Memory of workers'),
      help: trans.__('What each worker keeps in memory')
    },
    {
      page: 'individual-graph',
      title: trans.__('Graph'),
      help: trans.__('The tasks and what they wait for')
    },
    {
      page: 'individual-profile',
      title: trans.__('Profile'),
      help: trans.__('Which functions take the time')
    },
    {
      page: 'system',
      title: trans.__('System'),
      help: trans.__('CPU, memory and network of the scheduler')
    }
  ];
}
