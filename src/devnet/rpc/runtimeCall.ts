/** Calling a runtime API of a block, by the name and with the words of a node. */
import type { Block } from '../blockBuilder.ts';
import type { Chain } from '../chain.ts';
import { decodeAll, fieldsCodec } from '../scale.ts';

/** The SCALE result. Throws Error with the node's words for unknown methods and arguments that do not decode. */
export const callRuntime = (chain: Chain, block: Block, name: string, input: Uint8Array): Uint8Array => {
  const method = chain.runtimeAt(block).api(name);
  if (method === undefined)
    throw new Error(
      `Execution failed: Other error happened while constructing the runtime: Exported method ${name} is not found`,
    );
  try {
    const args = decodeAll(fieldsCodec(method.args), input);
    return method.returns.enc(method.handle(chain.contextAt(block), args));
  } catch (error) {
    // what a panic of the WASM runtime looks like
    const reason = (error as Error).message;
    throw new Error(`Execution failed: Execution aborted due to trap: ${name}: ${reason}`);
  }
};
