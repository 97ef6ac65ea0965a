import { Link } from "@tanstack/react-router";
import { Empty } from "../parts/states.tsx";

export const NotFound = () => (
  <Empty title="There is no such page">
    <Link to="/">What is going on now</Link>
  </Empty>
);
