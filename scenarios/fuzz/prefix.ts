/** What begins the name of a scenario that is a program: see programRef(). */
export const PROGRAM_PREFIX = 'fuzz/';
