/** What a dialog says above its buttons: what is wrong, or what would be. */
import { Trouble } from '../components/Trouble';
import type { Problem } from '../model';

interface SaidProps {
  id: string;
  problem: Problem | null;
  /** When there is no problem. */
  text: string;
}

export function Said({ id, problem, text }: SaidProps) {
  return (
    <div id={id} className="alongside-Verdict" role="status">
      {problem ? (
        <Trouble detail={problem.detail} remedy={problem.remedy} />
      ) : (
        <p className="alongside-Hint">{text}</p>
      )}
    </div>
  );
}
