"""The absolute addresses that answers carry, and the arithmetic of pages."""

from dataclasses import dataclass
from urllib.parse import urlencode

from services.chassis.errors import Invalid, Violation
from vitascope.videos.v1 import projects_pb2

DEFAULT_PAGE_SIZE = 10
LARGEST_PAGE_SIZE = 100


@dataclass(frozen=True)
class Addresses:
    """Where things are reached from outside; `public_url` has no slash at its end."""

    public_url: str

    def project(self, project_id: str) -> str:
        """Where a project is read."""
        return f"{self.public_url}/videos/v1/project/{project_id}"

    def projects(self) -> str:
        """Where projects are listed."""
        return f"{self.public_url}/videos/v1/projects"

    def video(self, video_id: str) -> str:
        """Where a video is read."""
        return f"{self.public_url}/videos/v1/video/{video_id}"

    def videos(self) -> str:
        """Where videos are listed."""
        return f"{self.public_url}/videos/v1/videos"

    def upload(self, video_id: str, *, light: bool) -> str:
        """Where a video's file is uploaded."""
        return f"{self.public_url}/media/v1/upload/{'light/' if light else ''}{video_id}"

    def process(self, video_id: str) -> str:
        """Where processing is asked for."""
        return f"{self.public_url}/videos/v1/process-video/{video_id}"

    def process_progress(self, video_id: str) -> str:
        """Where a processing says how far it is."""
        return f"{self.public_url}/videos/v1/check-process-video-progress/{video_id}"

    def download_processed(self, video_id: str) -> str:
        """Where a processed video is downloaded."""
        return f"{self.public_url}/media/v1/download/processed/{video_id}"


@dataclass(frozen=True)
class Paging:
    """Which page is asked for, from 1, and how many records a full one has."""

    page: int
    page_size: int

    @classmethod
    def asked(cls, page: int | None, page_size: int | None) -> "Paging":
        """Fill in the defaults. Raises Invalid that names what is out of range."""
        violations = []
        if page is not None and page < 1:
            violations.append(Violation("page", "must be at least 1", "query"))
        if page_size is not None and not 1 <= page_size <= LARGEST_PAGE_SIZE:
            violations.append(
                Violation("page-size", f"must be between 1 and {LARGEST_PAGE_SIZE}", "query")
            )
        if violations:
            message = "; ".join(f"{v.field}: {v.description}" for v in violations)
            raise Invalid(message, violations=violations)
        return cls(page or 1, page_size or DEFAULT_PAGE_SIZE)

    def links(
        self, address: str, total: int, filters: dict[str, str] | None = None
    ) -> projects_pb2.PageLinks:
        """The HAL links of this page of `total` records; neighbours only where they exist."""
        last = max(1, -(-total // self.page_size))

        def link(page: int) -> projects_pb2.Link:
            query = urlencode({**(filters or {}), "page": page, "page-size": self.page_size})
            return projects_pb2.Link(href=f"{address}?{query}")

        return projects_pb2.PageLinks(
            self=link(self.page),
            next=link(self.page + 1) if self.page < last else None,
            previous=link(min(self.page - 1, last)) if self.page > 1 else None,
            first=link(1),
            last=link(last),
        )
