/** Kernels that carry out a change of size: found, run, broken off. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  type Kernel,
  KernelAPI,
  type KernelMessage,
  type ServiceManager
} from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import type { Problem } from '../model';
import { type Attached, type Kernels, Relaunches } from '../relaunch/relaunches';
import { DOMAIN, IAttachments, IRelaunches } from '../tokens';
import type { Trans } from '../words';

export const relaunches: JupyterFrontEndPlugin<Relaunches> = {
  id: 'jupyterhub-alongside:relaunches',
  description: 'Changes the size of backends that start again for it.',
  autoStart: true,
  provides: IRelaunches,
  requires: [IAttachments],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    attachments: IAttachments,
    translator: ITranslator | null
  ): Relaunches => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    return new Relaunches(new SessionKernels(app.serviceManager, attachments, trans), trans);
  }
};

/** The kernels of this server. */
class SessionKernels implements Kernels {
  constructor(
    private readonly manager: ServiceManager.IManager,
    private readonly attachments: IAttachments,
    private readonly trans: Trans
  ) {
    const emit = () => this.changed.emit();
    attachments.changed.connect(emit);
    manager.sessions.runningChanged.connect(emit);
  }

  readonly changed = new Signal<this, void>(this);

  attached(backend: string): Attached[] {
    const running = [...this.manager.sessions.running()];
    return this.attachments.kernels(backend).flatMap(kernel => {
      const session = running.find(one => one.kernel?.id === kernel);
      return session ? [{ kernel, path: session.path || session.name }] : [];
    });
  }

  async execute(
    id: string,
    code: string,
    hear: (text: string) => void,
    signal: AbortSignal
  ): Promise<Problem | null> {
    const model = { id, name: this.nameOf(id) };
    // a connection of its own: what it prints is nobody else's to show
    const kernel = this.manager.kernels.connectTo({ model, handleComms: false });
    try {
      if (!(await free(kernel, signal))) {
        return null; // called off before it began
      }
      const content = { code, silent: true, store_history: false, stop_on_error: false };
      const future = kernel.requestExecute(content);
      future.onIOPub = message => {
        const { name, text } = message.content as Partial<KernelMessage.IStreamMsg['content']>;
        if (message.header.msg_type === 'stream' && name === 'stdout' && text) {
          hear(text);
        }
      };
      return this.problemOf((await future.done).content);
    } finally {
      kernel.dispose();
    }
  }

  forget(kernel: string): void {
    this.attachments.forget(kernel);
  }

  async interrupt(id: string): Promise<void> {
    await KernelAPI.interruptKernel(id, this.manager.serverSettings);
  }

  private nameOf(id: string): string {
    const session = [...this.manager.sessions.running()].find(one => one.kernel?.id === id);
    return session?.kernel?.name ?? '';
  }

  private problemOf(reply: KernelMessage.IExecuteReplyMsg['content']): Problem | null {
    if (reply.status === 'ok') {
      return null;
    }
    const { trans } = this;
    const { ename = '', evalue = '' } = reply as { ename?: string; evalue?: string };
    return ename === 'ModuleNotFoundError'
      ? {
          detail: trans.__('The notebook’s kernel has no library that can do this.'),
          remedy: trans.__('Install the newest jupyterhub-alongside in its environment.')
        }
      : {
          detail: trans.__('The notebook’s kernel could not do it: %1', evalue || ename),
          remedy: ''
        };
  }
}

/** Wait until nothing else runs there; false when that was called off before. Rejects when the
 * kernel has ended. */
function free(kernel: Kernel.IKernelConnection, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => {
      kernel.statusChanged.disconnect(look);
      signal.removeEventListener('abort', calledOff);
      act();
    };
    const look = () => {
      if (kernel.status === 'dead' || kernel.isDisposed) {
        done(() => reject(new Error('the kernel has ended')));
      }
    };
    const calledOff = () => done(() => resolve(false));
    kernel.statusChanged.connect(look);
    signal.addEventListener('abort', calledOff);
    look();
    // asked of a new connection as soon as there is one, answered between two cells
    kernel.info.then(
      () => done(() => resolve(true)),
      error => done(() => reject(error))
    );
  });
}
