/**
 * What a machine needs for CUDA, by the install script of onnxruntime-node 1.30. The script is run directly: npm runs
 * none of that package (`allowScripts` in package.json), so `npm rebuild` would do nothing and say nothing.
 *
 * In a file of its own, because workers say it too and must start without loading what the parent is built on.
 */
export const CUDA_ADVICE =
  'CUDA needs Linux x64, an NVIDIA driver, the CUDA 12 runtime and cuDNN 9 on LD_LIBRARY_PATH, and ' +
  'the command "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js", run in the ' +
  'folder of this installation';
