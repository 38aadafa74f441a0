/** A compiled BPF object, imported as its bytes. */
declare module '*.o' {
  const bytes: Uint8Array;
  export default bytes;
}
