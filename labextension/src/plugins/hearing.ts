/** What kernels tell of themselves: the backend that the code in them is attached to.
 *
 * The other end is `alongside.frontend`: a comm whose messages name the backend by its id. */
import type { Kernel, KernelMessage } from '@jupyterlab/services';

const TARGET = 'alongside.attached';

/** A connection to a kernel, as far as it is needed. */
type Connection = Pick<
  Kernel.IKernelConnection,
  | 'handleComms'
  | 'iopubMessage'
  | 'registerCommTarget'
  | 'requestCommInfo'
  | 'hasComm'
  | 'createComm'
>;

/** Hear it as long as this connection lasts; also what was told before it was made. */
export function hear(kernel: Connection, take: (backend: string) => void): void {
  const comms = new Set<string>();
  kernel.iopubMessage.connect((_, { header, content }: KernelMessage.IIOPubMessage) => {
    const { comm_id: id, target_name: target, data } = content as Partial<Told>;
    if (header.msg_type === 'comm_open' && target === TARGET && id) {
      comms.add(id);
    }
    if (id && comms.has(id) && typeof data?.backend === 'string') {
      take(data.backend);
    }
  });
  if (kernel.handleComms) {
    // else JupyterLab, which knows of nobody who wants it, closes it again
    kernel.registerCommTarget(TARGET, () => undefined);
  }
  const ask = async () => {
    const { content } = await kernel.requestCommInfo({ target_name: TARGET });
    for (const id of content.status === 'ok' ? Object.keys(content.comms) : []) {
      comms.add(id);
      if (kernel.handleComms && !kernel.hasComm(id)) {
        kernel.createComm(TARGET, id).send({}); // what is answered is told to all
      }
    }
  };
  ask().catch(() => undefined); // a kernel that ends meanwhile has nothing to tell
}

interface Told {
  comm_id: string;
  target_name: string;
  data: { backend?: unknown };
}
