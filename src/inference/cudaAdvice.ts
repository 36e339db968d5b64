/**
 * What a machine needs for CUDA, by the documented route of onnxruntime-node 1.30 (its README and install script).
 *
 * In a file of its own, because workers say it too and must start without loading what the parent is built on.
 */
export const CUDA_ADVICE =
  'CUDA needs Linux x64, an NVIDIA driver, the CUDA 12 runtime and cuDNN 9 on LD_LIBRARY_PATH, and ' +
  '"ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node"';
