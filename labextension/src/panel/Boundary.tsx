/** Keeps what can't be drawn from taking the rest with it. */
import { Component, type ReactNode } from 'react';

import { Trouble } from '../components/Trouble';
import type { Trans } from '../words';

interface BoundaryProps {
  /** When it is another one, drawing is tried again. */
  of: unknown;
  /** What could not be drawn, as a sentence. */
  detail: string;
  trans: Trans;
  children: ReactNode;
}

export class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidUpdate(before: BoundaryProps): void {
    if (this.state.failed && before.of !== this.props.of) {
      this.setState({ failed: false });
    }
  }

  override render(): ReactNode {
    const { detail, trans, children } = this.props;
    return this.state.failed ? (
      <Trouble detail={detail} remedy={trans.__('Reload the page; if it stays, tell an admin.')} />
    ) : (
      children
    );
  }
}
