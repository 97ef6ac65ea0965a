export const Insights = () => null;
