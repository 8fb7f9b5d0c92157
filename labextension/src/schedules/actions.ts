/** What can be done with a schedule. */
import type { Schedule } from '../model';

export interface ScheduleActions {
  /** Start nothing for now, or start again. */
  suspend(schedule: Schedule, suspended: boolean): void;
  /** Show a run that it has submitted. */
  open(run: string): void;
  /** Ask whether it is to go, and delete it. */
  remove(schedule: Schedule): void;
}
