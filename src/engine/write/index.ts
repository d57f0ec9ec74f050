/** engine/write */
export { Writer } from './writer';
