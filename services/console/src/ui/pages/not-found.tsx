import { Link } from "@tanstack/react-router";
import { PageHead } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";

export const NotFound = () => (
  <>
    <PageHead title="Not found" />
    <Empty title="There is no such page">
      <Link to="/">What is going on now</Link>
    </Empty>
  </>
);
