export const Drills = () => null;
