/** engine/write */
export { Writer, type WriterOptions } from './writer';
